import { messageOf } from '../../operators/index.ts'

/** What is wrong with a file, by the file system's error. */
export function fileFault(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException
  return faults[code ?? ''] ?? `cannot be read: ${messageOf(error)}`
}

const faults: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'does not exist: a part of the path is not a folder',
  EISDIR: 'is a folder, not a file',
  EACCES: 'cannot be read: permission denied',
  EPERM: 'cannot be read: permission denied',
  ELOOP: 'is a link that leads back to itself',
}
