import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { RoundFigures } from './closed-loop.ts'
import type { Variant } from './variant.ts'

const run = promisify(execFile)
const script = fileURLToPath(new URL('tokio-seda/run', import.meta.url))
/** All variants share one build; a machine that cannot make it is asked once. */
let build: Promise<{ readonly program: string } | { readonly obstacle: string }> | undefined

/**
 * The reference in Rust, on tokio's channels, one task a stage; built on first use, where that can be done.
 *
 * @param flavour `current`: one thread, as Node has; `multi`: as many as there are cores.
 * @param observed `metrics`: with a histogram and counters for each stage.
 */
export function createTokioVariant(flavour: 'current' | 'multi', observed: 'bare' | 'metrics'): Variant {
  let note = 'answer received from a channel'
  let program = ''
  return {
    name: `tokio-seda ${flavour} ${observed}`,
    get note() {
      return note
    },
    async prepare() {
      build ??= buildReference()
      const built = await build
      if ('obstacle' in built) note = `not measured: ${built.obstacle}`
      else program = built.program
      return program !== ''
    },
    // It measures five times itself and tells the median.
    async round({ outstanding, requests }) {
      const { stdout } = await run(program, [flavour, observed, String(outstanding), String(requests)])
      const { requestsPerSecond, p50Us, p99Us } = JSON.parse(stdout) as RoundFigures
      return { requestsPerSecond, p50Us, p99Us }
    },
    close() {},
  }
}

async function buildReference(): ReturnType<() => NonNullable<typeof build>> {
  try {
    await run('cargo', ['--version'])
  } catch {
    return { obstacle: 'there is no cargo on this machine' }
  }
  try {
    const { stdout } = await run(script, ['--build'])
    return { program: stdout.trim() }
  } catch (error) {
    const { stderr } = error as { readonly stderr?: string }
    const reason = stderr?.trim().split('\n').at(-1) ?? ''
    return { obstacle: `test/bench/tokio-seda/run could not build it${reason === '' ? '' : ` (${reason})`}` }
  }
}
