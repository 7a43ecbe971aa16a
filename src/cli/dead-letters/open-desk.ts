import { systemClock } from '../../../operators/index.ts'
import type { RedriveAnswer } from '../../stores/sqlite-redrive-answers.ts'
import { keptAnswer, openLetters, waitingLetters } from '../open-letters.ts'
import { createProgressLine } from '../progress-line.ts'
import { stopSignal } from '../stop-signals.ts'
import type { Desk } from './desk.ts'
import { lineOutput } from './output.ts'
import type { LetterSettings } from './settings.ts'

/** A desk of the command line. */
export interface OpenedDesk extends Desk {
  /** What the redrive of an entry gave, where that is kept. */
  readonly answerOf: (submissionId: string) => RedriveAnswer | undefined
  /** Whether there may be others, which the store does not have yet. */
  readonly isPartial: boolean
}

/**
 * Opens the store, works with it and closes it. SIGINT and SIGTERM end the work between two steps.
 *
 * @param create Whether a store that is not there is made.
 * @throws Error that says why the store cannot be opened.
 */
export async function atDesk<Result>(
  settings: LetterSettings,
  create: boolean,
  work: (desk: OpenedDesk) => Promise<Result>,
): Promise<Result> {
  const { stdout, stderr } = process
  const store = openLetters(settings, create)
  const controller = new AbortController()
  void stopSignal().then((signal) => {
    controller.abort(new Error(`stopped by ${signal}`))
  })
  try {
    // Before the work, which may take long: what was moved since is counted twice rather than never.
    const waiting = await waitingLetters(settings)
    const result = await work({
      store,
      clock: systemClock,
      signal: controller.signal,
      json: settings.json,
      isPartial: waiting !== undefined,
      answerOf: (submissionId) => keptAnswer(settings, submissionId),
      columns: stdout.isTTY ? stdout.columns : undefined,
      progress: createProgressLine(stderr, systemClock, 'dead letters'),
      print: lineOutput(stdout),
      say: (line) => {
        console.error(line)
      },
    })
    if (waiting !== undefined) console.error(waiting)
    return result
  } finally {
    await store.close()
  }
}
