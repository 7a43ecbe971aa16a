import type { HandlerContext } from '../../../src/handler.ts'

/** One run of a gated handler. */
export interface GatedRun<Input, Output> extends Omit<PromiseWithResolvers<Output>, 'promise'> {
  readonly input: Input
  readonly context: HandlerContext
}

/** A handler whose runs end when the test says so. */
export function gatedHandler<Input, Output = Input>(): {
  readonly runs: GatedRun<Input, Output>[]
  readonly handler: (input: Input, context: HandlerContext) => Promise<Output>
} {
  const runs: GatedRun<Input, Output>[] = []
  return {
    runs,
    handler: (input, context) => {
      const { promise, resolve, reject } = Promise.withResolvers<Output>()
      runs.push({ input, context, resolve, reject })
      return promise
    },
  }
}
