import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'

/** `spillway serve`, run as a user runs it in a clone. */
export interface SpillwayProcess {
  readonly child: ChildProcess
  readonly url: string
  /** All lines of standard output so far. */
  readonly lines: readonly string[]
  /** The first line that fits, also one that is still to come; rejects when the process ends without it. */
  line(pattern: RegExp): Promise<string>
  /** All lines of standard error so far. */
  readonly log: readonly string[]
  /** As `line`, of standard error. */
  logged(pattern: RegExp): Promise<string>
  /** How the process ends. */
  readonly exit: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
  stop(): Promise<void>
}

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

/** The same of those that decide where and how state is kept. */
const unsetStores = { REDIS_URL: '', SPILLWAY_ENCRYPTION_KEY: '' }

/** The variables that decide which model is used, and by whom; a test sets them itself. */
const unset = {
  OPENAI_BASE_URL: '',
  OPENAI_API_KEY: '',
  SPILLWAY_API_KEY: '',
  SPILLWAY_REDACT_KEY: '',
  PORT: '',
  ...unsetStores,
}

/** Runs the command line to its end. */
export async function runSpillway(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  const child = spawnSpillway(args, environment)
  let [stdout, stderr] = ['', '']
  child.stdout!.on('data', (data: Buffer) => (stdout += data.toString()))
  child.stderr!.on('data', (data: Buffer) => (stderr += data.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout, stderr }
}

/** Starts `spillway serve` as the README says, by `npm start`; `child` is npm, in a process group of its own. */
export async function npmStart(args: readonly string[] = []): Promise<SpillwayProcess> {
  const spillway = await started((given) =>
    spawn('npm', ['start', '--', ...given, ...args], {
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      env: { ...process.env, ...unset },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    }),
  )
  return {
    ...spillway,
    async stop() {
      try {
        process.kill(-spillway.child.pid!, 'SIGKILL')
      } catch (error) {
        // The whole group has ended, as it should.
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
      }
      await spillway.stop()
    },
  }
}

/** Starts `spillway serve` on a port of its own, with state of its own, and waits until it listens. */
export async function startSpillway(
  args: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
): Promise<SpillwayProcess> {
  return started((given) => spawnSpillway(['serve', ...given, ...args], environment))
}

async function started(spawned: (given: readonly string[]) => ChildProcess): Promise<SpillwayProcess> {
  const dataDir = await mkdtemp(join(tmpdir(), 'spillway-'))
  const child = spawned(['--port', '0', '--data-dir', dataDir])
  const exit = new Promise<Awaited<SpillwayProcess['exit']>>((resolve) => {
    child.once('exit', (code, signal) => {
      resolve({ code, signal })
    })
  })
  const logged = readLines(child.stderr!, () => '')
  const { lines, line } = readLines(child.stdout!, () => logged.lines.join('\n'))

  const url = /https?:\S+/.exec(await line(/listening on/))![0]
  return {
    child,
    url,
    lines,
    line,
    log: logged.lines,
    logged: logged.line,
    exit,
    async stop() {
      child.kill('SIGKILL')
      await exit
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

/** The lines of a stream, and the first that fits a pattern. */
function readLines(stream: Readable, more: () => string): Pick<SpillwayProcess, 'lines' | 'line'> {
  const lines: string[] = []
  const waiting = new Set<() => void>()
  const look = (): void => waiting.forEach((check) => check())
  const output = createInterface(stream)
  output.on('line', (line) => {
    lines.push(line)
    look()
  })
  let over = false
  output.on('close', () => {
    over = true
    look()
  })
  return {
    lines,
    line: (pattern) =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          const found = lines.find((candidate) => pattern.test(candidate))
          if (found === undefined && !over) return
          waiting.delete(check)
          if (found === undefined) {
            reject(new Error(`the process ended without ${pattern}: ${lines.join('\n')}\n${more()}`))
          } else resolve(found)
        }
        waiting.add(check)
        check()
      }),
  }
}

function spawnSpillway(args: readonly string[], environment: Readonly<Record<string, string>>): ChildProcess {
  return spawn(process.execPath, ['--max-semi-space-size=8', '--conditions=source', main, ...args], {
    env: { ...process.env, ...unset, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}
