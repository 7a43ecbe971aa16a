import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { LetterLog } from './letter-log.ts'

/** A process that works on dead letters, and says so, until it is killed. */
export class ProcessLife {
  private readonly child: ChildProcess
  private readonly log: LetterLog
  private readonly closed: Promise<unknown>
  private said = 0
  private heard: { readonly lines: number; readonly resolve: () => void } | undefined
  private problem = ''

  /** @param args The program, and what it is given. */
  constructor(args: readonly string[], log: LetterLog) {
    const child = spawn(process.execPath, ['--conditions=source', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    this.child = child
    this.log = log
    this.closed = once(child, 'close')
    child.stderr.on('data', (data: Buffer) => (this.problem += data.toString()))
    createInterface({ input: child.stdout }).on('line', (line) => {
      log.read(line)
      this.said += 1
      if (this.said === this.heard?.lines) this.heard.resolve()
    })
  }

  /** Waits until it has said as much more; by time, one might be killed before it has begun, on a slow machine. */
  async lines(count: number): Promise<void> {
    const enough = new Promise<void>((resolve) => (this.heard = { lines: this.said + count, resolve }))
    await Promise.race([enough, this.closed])
  }

  /** SIGSTOP: it holds what it has, and does nothing. */
  stop(): void {
    this.child.kill('SIGSTOP')
  }

  /** SIGCONT. */
  resume(): void {
    this.child.kill('SIGCONT')
  }

  /** SIGKILL: resolves once it has ended, and all that it said is in the log. */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null) this.log.faults.push(`${this.child.spawnargs.join(' ')} ended: ${this.problem}`)
    this.child.kill('SIGKILL')
    await this.closed
  }
}
