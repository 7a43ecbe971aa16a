import { existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/**
 * Makes a folder and those above it that are missing, one by one: asked for all at once, Node tries forever where
 * a file system takes no folders (`/proc`).
 *
 * @throws Error naming the option and the folder that cannot be made, or what is there and no folder.
 */
export function makeFolder(option: string, path: string): void {
  const folder = resolve(path)
  if (existsSync(folder)) {
    if (statSync(folder).isDirectory()) return
    throw new Error(`${option}: ${folder} is a file and not a folder; name a folder, or one that can be made`)
  }
  makeFolder(option, dirname(folder))
  try {
    mkdirSync(folder)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // Somebody else was faster.
    if (code === 'EEXIST' && existsSync(folder)) return
    throw new Error(`${option}: the folder ${folder} cannot be made (${code}); name one where you may write`, {
      cause: error,
    })
  }
}
