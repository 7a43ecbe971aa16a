import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { RoundReply } from './contender-process.ts'
import type { Variant } from './variant.ts'

const program = fileURLToPath(new URL('contender-process.ts', import.meta.url))

/**
 * A contender in a process of its own.
 *
 * @param contender Its name in `contender-process.ts`.
 */
export function createProcessVariant(name: string, note: string, contender: string): Variant {
  let child: ChildProcess | undefined
  return {
    name,
    note,
    async prepare(size) {
      child = fork(program, [contender], {
        execArgv: ['--conditions=source'],
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      })
      // Twice, so that the code is compiled for good before anything counts.
      await round(child, size)
      await round(child, size)
      return true
    },
    round: (size) => round(child!, size),
    close() {
      child?.kill()
    },
  }

  async function round(process: ChildProcess, size: object): ReturnType<Variant['round']> {
    process.send(size)
    const ended = new AbortController()
    const end = once(process, 'exit', { signal: ended.signal }).then(([code]) => {
      throw new Error(`${name}: its process ended with exit code ${code as number}`)
    })
    const [reply] = (await Promise.race([once(process, 'message', { signal: ended.signal }), end])) as [RoundReply]
    ended.abort()
    if ('error' in reply) throw new Error(`${name}: ${reply.error}`)
    return reply.figures
  }
}
