import { messageOf } from '../../../operators/index.ts'
import type { Logger } from '../../logger.ts'
import { sessionDigest } from '../../session-digest.ts'
import type { StoredDeadLetter } from '../../stores/dead-letter-store.ts'
import type { RedriveEnd, RedriveFigures } from '../running.ts'
import type { Conclusion } from './conclusion.ts'

/** The retry worker's figures and log, whatever becomes of the worker. */
export class RedriveBook {
  private readonly logger: Logger
  private readonly counts = { claimed: 0, running: 0, failedClaims: 0, restarts: 0 }
  private readonly ends: Record<RedriveEnd, number> = {
    acked: 0,
    retried: 0,
    died: 0,
    deferred: 0,
    fenced: 0,
    unknown: 0,
  }
  private readonly now: () => number
  private loggedAt = -Infinity
  private unlogged = 0

  constructor(logger: Logger, now: () => number) {
    this.logger = logger
    this.now = now
  }

  get figures(): RedriveFigures {
    return { ...this.counts, ...this.ends }
  }

  claimed(letter: StoredDeadLetter): void {
    this.counts.claimed += 1
    this.counts.running += 1
    this.logger.debug(describe(letter), 'dead letter claimed')
  }

  /** The one end of what was claimed. */
  ended(letter: StoredDeadLetter, end: RedriveEnd, conclusion?: Conclusion): void {
    this.counts.running -= 1
    this.ends[end] += 1
    const fields = { ...describe(letter), ...(conclusion !== undefined && detailsOf(conclusion, end)) }
    const level = end === 'deferred' ? 'debug' : end === 'acked' || end === 'retried' ? 'info' : 'warn'
    this.logger[level](fields, messages[end])
  }

  /** At most one line a second. */
  claimFailed(error: unknown): void {
    this.counts.failedClaims += 1
    this.unlogged += 1
    if (this.now() - this.loggedAt < 1000) return
    this.logger.warn({ count: this.unlogged, error: messageOf(error) }, 'dead letters could not be claimed')
    this.unlogged = 0
    this.loggedAt = this.now()
  }

  /** The worker has crashed and is started again. */
  crashed(error: unknown, delayMs: number): void {
    this.counts.restarts += 1
    this.logger.error({ error: messageOf(error), delayMs }, 'retry worker crashed')
  }
}

const messages: Readonly<Record<RedriveEnd, string>> = {
  acked: 'dead letter redriven',
  retried: 'dead letter failed again',
  died: 'dead letter given up',
  deferred: 'dead letter deferred',
  fenced: 'dead letter lost to another worker',
  unknown: 'dead letter left to its lease',
}

function describe({ submissionId, id, session, attempts }: StoredDeadLetter): object {
  return { submissionId, request: id, session: sessionDigest(session), attempt: attempts }
}

/** Not the error, which may quote the prompt. */
function detailsOf(conclusion: Conclusion, end: RedriveEnd): object {
  if (conclusion.do === 'ack') return {}
  if (conclusion.do === 'defer') return { reason: conclusion.reason, retryInMs: conclusion.retryInMs }
  const { stage, kind, reason } = conclusion.failure
  return { stage, kind, reason, ...(end !== 'died' && { retryInMs: conclusion.retryInMs }) }
}
