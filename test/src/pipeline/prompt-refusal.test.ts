import { describe, expect, it } from 'vitest'
import { chatPipeline, InvalidPromptError, type PromptRequest } from '../../../src/index.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'
import { echo } from '../../../src/workers/index.ts'

const retrievers: readonly (readonly [string, object])[] = [
  ['with a retriever', { retriever: { search: () => Promise.resolve([]) } }],
  ['without one', {}],
]

describe.each(retrievers)('the chat pipeline %s', (_, options) => {
  it.each<[unknown, RegExp]>([
    [{}, /^(input|messages)$/],
    [{ input: '' }, /^input$/],
    [{ input: 5 }, /^input$/],
    [{ input: 'a', messages: [{ role: 'user', content: 'a' }] }, /^(input|messages)$/],
  ])('fails %j at its first stage, naming the field', async (request, field) => {
    const clock = new VirtualClock()
    const running = chatPipeline({ worker: echo(), ...options }).start({ clock })
    const reply = running.submit(request as PromptRequest)
    await clock.settle()
    const outcome = reply.settled
    expect(outcome).toMatchObject({ kind: 'failed', stage: 'rag', error: expect.any(InvalidPromptError) as unknown })
    const { error } = outcome as { readonly error: unknown }
    expect(error).toMatchObject({ code: 'invalid_prompt', field: expect.stringMatching(field) as unknown })
    expect((error as Error).message).toContain((error as InvalidPromptError).field)
    expect(running.stages.inference).toMatchObject({ processed: 0, running: 0 })
    expect(running.ledger()).toMatchObject({ submitted: 1, failed: 1, inFlight: 0 })
  })
})
