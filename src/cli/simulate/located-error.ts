import type { FileFault, FilePath, PositionedFile } from './positioned-file.ts'
import { readablePath } from './positioned-file.ts'

/**
 * What an error of a check says, at the place of the file that it names: the message begins with the name of an option,
 * such as `service.rag.meanMs`, and goes on with what is wrong.
 *
 * @param under Where in the file the options are.
 * @returns `undefined` where it names none.
 */
export function locatedFault(
  error: unknown,
  file: Pick<PositionedFile, 'value'>,
  under: FilePath,
): FileFault | undefined {
  if (!(error instanceof RangeError || error instanceof TypeError)) return undefined
  const { message } = error
  const top = under.reduce<unknown>((inside, key) => (inside as Readonly<Record<string, unknown>>)[key], file.value)
  const named = pathsIn(top).filter((path) => /^[\s.:[]/.test(afterName(message, path)))
  const longest = named.sort((one, other) => readablePath(other).length - readablePath(one).length)[0]
  if (longest === undefined) return undefined
  // What the file does not have is told where it should be.
  const [, missing = '', text = ''] = /^((?:\.[^\s.:]+)*)[\s:]+(.*)$/s.exec(afterName(message, longest)) ?? []
  return { path: [...under, ...longest, ...missing.split('.').slice(1)], text }
}

/** What follows the name in a message; empty where the message does not begin with it. */
function afterName(message: string, path: FilePath): string {
  const name = readablePath(path)
  return message.startsWith(name) ? message.slice(name.length) : ''
}

function pathsIn(value: unknown): readonly FilePath[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, inside]) => {
    const key = Array.isArray(value) ? Number(name) : name
    return [[key], ...pathsIn(inside).map((path) => [key, ...path])]
  })
}
