import { once } from 'node:events'
import { createWriteStream, unlinkSync } from 'node:fs'
import type { Writable } from 'node:stream'
import { messageOf } from '../../../operators/index.ts'
import { fileFault } from '../../retrieval/file-fault.ts'

/** Nobody reads the output any more, as of `… | head`: nothing is left to say. */
export class OutputClosed extends Error {}

/** Writes lines to a stream, each once there is room for it. */
export function lineOutput(stream: Writable): (line: string) => Promise<void> {
  // Each write is told itself.
  stream.on('error', () => undefined)
  return (line) =>
    new Promise((resolve, reject) => {
      stream.write(`${line}\n`, (error) => {
        if (error == null) resolve()
        else reject(new OutputClosed(`the output was closed: ${messageOf(error)}`, { cause: error }))
      })
    })
}

/**
 * Writes lines to a new file that only its owner may read.
 *
 * @param work Gives the lines; where it fails the file is taken away again.
 * @throws Error naming the option and what is wrong with the file.
 */
export async function intoFile<Result>(
  option: string,
  path: string,
  work: (print: (line: string) => Promise<void>) => Promise<Result>,
): Promise<Result> {
  const stream = createWriteStream(path, { flags: 'wx', mode: 0o600 })
  try {
    await once(stream, 'open')
  } catch (error) {
    const exists = (error as NodeJS.ErrnoException).code === 'EEXIST'
    const fault = exists ? 'is there already; name a file that is not' : fileFault(error)
    throw new Error(`${option} ${JSON.stringify(path)}: ${fault}`, { cause: error })
  }
  try {
    const result = await work(lineOutput(stream))
    stream.end()
    await once(stream, 'close')
    return result
  } catch (error) {
    stream.destroy()
    unlinkSync(path)
    if (!(error instanceof OutputClosed)) throw error
    throw new Error(`${option} ${JSON.stringify(path)}: ${messageOf(error)}`, { cause: error })
  }
}
