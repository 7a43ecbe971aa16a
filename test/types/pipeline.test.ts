import type { Observable } from 'rxjs'
import { from, map } from 'rxjs'
import { describe, expectTypeOf, it } from 'vitest'
import {
  chatPipeline,
  type ChatStage,
  type Handler,
  type HandlerContext,
  type Outcome,
  pipeline,
  type PromptRequest,
  type Reply,
  type Running,
  type StageFigures,
  type StageSetupContext,
  type TeardownReason,
} from '../../src/index.ts'
import { type CompletionChunk, echo } from '../../src/workers/index.ts'

interface Question {
  readonly text: string
}

const options = { capacity: 1 }

describe('the types of a pipeline', () => {
  it('carry the output of each stage to the next', () => {
    const values = pipeline<Question>('p')
      .stage(
        'length',
        async (question, context) => {
          expectTypeOf(question).toEqualTypeOf<Question>()
          expectTypeOf(context).toEqualTypeOf<HandlerContext<Question, undefined>>()
          return question.text.length
        },
        options,
      )
      .stage(
        'double',
        (length) => {
          expectTypeOf(length).toEqualTypeOf<number>()
          return length * 2
        },
        options,
      )
    const running = values.start()
    expectTypeOf(running).toExtend<Running<Question, number, 'length' | 'double'>>()
    expectTypeOf(running.submit).returns.toEqualTypeOf<Reply<number>>()
    expectTypeOf(running.stage).parameter(0).toEqualTypeOf<'length' | 'double'>()
  })

  it('give a handler the state that setup returned, and nothing without one', () => {
    const connect = (): Promise<{ readonly port: number }> => Promise.resolve({ port: 1 })
    pipeline<Question>('p')
      .stage('none', (_, { state }) => expectTypeOf(state).toEqualTypeOf<undefined>(), options)
      .stage('promised', (_, { state }) => expectTypeOf(state).toEqualTypeOf<{ readonly port: number }>(), {
        ...options,
        setup: () => connect(),
        teardown: (state, { reason }) => {
          expectTypeOf(state).toEqualTypeOf<{ readonly port: number }>()
          expectTypeOf(reason).toEqualTypeOf<TeardownReason>()
        },
        health: { check: ({ port }) => port > 0 },
      })
      .stage('annotated', (_, { state }) => expectTypeOf(state).toEqualTypeOf<number>(), {
        ...options,
        setup: ({ epoch, logger }: StageSetupContext) => {
          logger.info({ epoch })
          return epoch
        },
      })
    const needsPort: Handler<Question, number, Question, { readonly port: number }> = (_, { state }) => state.port
    pipeline<Question>('p').stage('fits', needsPort, { ...options, setup: connect })
    // @ts-expect-error its setup gives something else
    pipeline<Question>('p').stage('does not', needsPort, { ...options, setup: () => 'port' })
    const anyState: Handler<Question, number> = ({ text }) => text.length
    pipeline<Question>('p').stage('does not care', anyState, { ...options, setup: connect })
  })

  it('let a handler be swapped for one that fits', () => {
    const running = pipeline<Question>('p')
      .stage('length', async ({ text }, { state }) => text.length + state, { ...options, setup: () => 1 })
      .stage('double', (length) => length * 2, options)
      .start()
    // Never called: swaps that overtake each other reject.
    const swaps = (): void => {
      void running.stage('length').swap(({ text }, { state, request }) => {
        expectTypeOf(request).toEqualTypeOf<Question>()
        return text.length * state
      })
      void running.stage('double').swap(async (length) => length * 3)
      void running.stage('double').swap({
        handler: (length, { state }) => length * state.factor,
        setup: () => Promise.resolve({ factor: 4 }),
        teardown: ({ factor }) => {
          expectTypeOf(factor).toEqualTypeOf<number>()
        },
      })
      // @ts-expect-error the stage is given a number
      void running.stage('double').swap((text: string) => text.length)
      // @ts-expect-error the next stage, or the caller, is promised a number
      void running.stage('double').swap((length) => `${length}`)
      const handler = (length: number, { state }: { readonly state: number }): number => length * state
      // @ts-expect-error what setup gives is a string
      void running.stage('double').swap({ handler, setup: () => 'x' })
    }
    expectTypeOf(swaps).toBeFunction()
  })

  it('keep streams streams, also promised ones, and give their chunks to the reader', () => {
    const streams = pipeline<Question>('p')
      .stage('letters', async ({ text }) => from(text), options)
      .stage(
        'codes',
        (letter$) => {
          expectTypeOf(letter$).toEqualTypeOf<Observable<string>>()
          return letter$.pipe(map((letter) => letter.charCodeAt(0)))
        },
        options,
      )
    const running = streams.start()
    expectTypeOf(running.submit).parameters.toEqualTypeOf<[request: Question]>()
    expectTypeOf(running.submit).returns.toEqualTypeOf<Reply<number>>()
    expectTypeOf(running.request).returns.toEqualTypeOf<Observable<number>>()
    expectTypeOf<Reply<number>['output$']>().toEqualTypeOf<Observable<number>>()
    expectTypeOf<Reply<number>['outcome']>().toEqualTypeOf<Promise<Outcome<number>>>()
    expectTypeOf<ReturnType<Reply<number>['batches']>>().toEqualTypeOf<AsyncIterableIterator<readonly number[]>>()
    expectTypeOf(running.outcomes$).toEqualTypeOf<Observable<Outcome<number>>>()
    expectTypeOf(running.asOperator()).parameter(0).toEqualTypeOf<Observable<Question>>()
    expectTypeOf(running.asOperator()).returns.toEqualTypeOf<Observable<Outcome<number | readonly number[]>>>()
  })

  it('refuse a stage whose input does not fit', () => {
    const asksForText = (text: string): string => text
    const first = pipeline<Question>('p').stage('length', ({ text }) => text.length, options)
    // @ts-expect-error the stage before gives a number
    first.stage('text', asksForText, options)
    // @ts-expect-error a value is no stream
    first.stage('stream', (input$: Observable<number>) => input$, options)
    // @ts-expect-error the request is a Question
    pipeline<Question>('p').stage('text', asksForText, options)
    const streams = first.stage('count', (length) => from([length]), options)
    // @ts-expect-error a stream is no value
    streams.stage('value', (length: number) => length, options)
    // @ts-expect-error the capacity is not given
    const without = (): unknown => first.stage('more', (length) => length, {})
    expectTypeOf(without).toBeFunction()
  })

  it('know the request in every stage', () => {
    pipeline<Question>('p')
      .stage('length', ({ text }) => text.length, options)
      .stage(
        'again',
        (length, { request }) => {
          expectTypeOf(request).toEqualTypeOf<Question>()
          return length
        },
        options,
      )
    const running = pipeline<Question>('p')
      .stage('one', () => 1, options)
      .start()
    // @ts-expect-error the text is not given
    running.submit({})
  })

  it("know the stages' names", () => {
    const running = pipeline<string>('p')
      .stage('one', (text) => text, options)
      .start()
    expectTypeOf(running.stages.one).toEqualTypeOf<StageFigures>()
    expectTypeOf(running.stages).toEqualTypeOf<Readonly<Record<'one', StageFigures>>>()
    // @ts-expect-error there is no such stage
    expectTypeOf(running.stages.two).toBeUndefined()
  })

  it('tell the outcomes apart', () => {
    const read = (outcome: Outcome<number>): void => {
      if (outcome.kind === 'completed') expectTypeOf(outcome.value).toEqualTypeOf<number | undefined>()
      if (outcome.kind === 'shed') expectTypeOf(outcome.retryAfterMs).toEqualTypeOf<number>()
      if (outcome.kind === 'failed') expectTypeOf(outcome.error).toEqualTypeOf<unknown>()
      // @ts-expect-error only one that was shed has a reason to try again
      if (outcome.kind === 'expired') expectTypeOf(outcome.retryAfterMs).toBeNever()
    }
    expectTypeOf(read).parameter(0).toEqualTypeOf<Outcome<number>>()
  })

  it('are those of a chat in the preset', () => {
    const running = chatPipeline({ worker: echo() }).start()
    expectTypeOf(running).toEqualTypeOf<Running<PromptRequest, CompletionChunk, ChatStage>>()
  })
})
