import { checkKeys } from '../operators/index.ts'
import { checkLife, checkOnCrash, lifeKeys } from './life-options.ts'
import type { StageRun } from './run.ts'
import { checkTelling, type StageHandler, type StageOptions, tellingKeys } from './runner-options.ts'
import { fromRunner, type StageLogic } from './stage-machine.ts'
import { StageRunner } from './stage-runner.ts'

/**
 * Actor logic for a stage: it takes items from a channel and runs a handler on each.
 *
 * The actor is the control plane only: items never pass through its mailbox. It is `up` and there `starting` (while
 * `setup` has not returned), `running`, `paused`, `draining` or `stopping` (while `teardown` has not returned), then `done`. A
 * handler that throws `StageCrash`, a `setup` that fails and a `health` check that fails for good end it with that
 * error, and a supervisor starts it again. The channel belongs to the caller, so what waits survives. The logic can be
 * started again when its actor has ended, but not twice at once. `actor.stop()` waits for nothing: what runs is called
 * off and goes back to the channel, as in a crash.
 *
 * @example
 * ```ts
 * const channel = new Channel<Job>({ capacity: 100, concurrency: 4 })
 * const stage = fromStage((job: Job, { state }) => state.run(job), {
 *   channel,
 *   setup: () => connect(url),
 *   teardown: (connection) => connection.close(),
 *   onValue: (result) => results.push(result),
 * })
 * const root = createActor(supervise([{ id: 'jobs', start: stage }]))
 * root.subscribe({ error: (error) => console.error('gave up', error) })
 * root.start()
 * channel.offer(job)
 * ```
 *
 * @throws RangeError or TypeError that names the option, its value and what is allowed.
 */
export function fromStage<T, R, S = undefined>(
  handler: StageHandler<T, R, StageRun<T, S>>,
  options: StageOptions<T, R, StageRun<T, S>, S>,
): StageLogic {
  checkKeys('fromStage', options, ['channel', ...tellingKeys, 'clock', ...lifeKeys])
  checkTelling(options)
  const runner = new StageRunner<T, R>(handler as StageHandler<T, R>, {
    ...(options as StageOptions<T, R>),
    life: checkLife(options),
    onCrash: checkOnCrash(options),
  })
  return fromRunner(runner)
}
