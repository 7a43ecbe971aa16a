import { writeSync } from 'node:fs'

/**
 * Writes a line on standard output, not buffered: what was acknowledged before the end has been said. Where the reader
 * is behind and the pipe is full it waits.
 */
export function say(...words: readonly (string | number)[]): void {
  const line = `${words.join(' ')}\n`
  for (;;) {
    try {
      // A line so short is written whole or not at all.
      writeSync(1, line)
      return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
    }
  }
}
