import { readList } from '../read-list.ts'

/**
 * Reads times of arrivals: a number of milliseconds from the start in each line, ascending. Blank lines and those that
 * begin with `#` are left out.
 *
 * @throws Error saying what is wrong with the file.
 */
export async function readTrace(path: string): Promise<readonly number[]> {
  const entries = await readList(path, path, 'time in milliseconds')
  let before = 0
  return entries.map(({ text, line }) => {
    const at = /^[\d.]/.test(text) ? Number(text) : NaN
    if (!(at >= before && at < Infinity)) {
      throw new Error(
        `${path}:${line} must be a number of milliseconds, ${before} or more, got ${JSON.stringify(text)}`,
      )
    }
    before = at
    return at
  })
}
