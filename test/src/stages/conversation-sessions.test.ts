import { lastValueFrom, toArray } from 'rxjs'
import { describe, expect, test } from 'vitest'
import { readConversation } from '../../../src/conversation.ts'
import {
  chatPipeline,
  type ChatMessage,
  type ChatPipelineOptions,
  type PromptRequest,
  type SessionOptions,
  type SessionStore,
  StoreError,
  wordFilter,
} from '../../../src/index.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'
import { type CompletionChunk, defineWorker, type ModelWorker, type Prompt } from '../../../src/workers/index.ts'
import { createModelSessionStore, ModelData } from '../../fixtures/model-session-store.ts'

type Say = (prompt: Prompt) => readonly CompletionChunk[] | Error

/** A model that keeps what it was asked. */
function asked(say: Say): { readonly prompts: Prompt[]; readonly worker: ModelWorker } {
  const prompts: Prompt[] = []
  const worker = defineWorker({
    info: { id: 'model', provider: 'test', models: ['m'], capabilities: ['chat', 'stream', 'tools', 'choices'] },
    async *inferStream(prompt): AsyncGenerator<CompletionChunk> {
      prompts.push(prompt)
      const said = say(prompt)
      if (said instanceof Error) throw said
      yield* said
    },
  })
  return { prompts, worker }
}

const counts: Say = ({ messages }) => [{ text: `answer ${messages.length}`, finishReason: 'stop' }]

function chat(
  say: Say = counts,
  {
    maxBytes = 65_536,
    store: given,
    ...options
  }: Partial<ChatPipelineOptions> & Partial<SessionOptions> & { readonly maxBytes?: number } = {},
) {
  const clock = new VirtualClock()
  const store = given ?? createModelSessionStore({ clock, data: new ModelData(), maxBytes })
  const { prompts, worker } = asked(say)
  const { onOutage, ...ofPipeline } = options
  const running = chatPipeline({ worker, system: '', ...ofPipeline }).start({
    clock,
    sessions: { store, ...(onOutage !== undefined && { onOutage }) },
  })
  return {
    running,
    prompts,
    /** What the model was asked last. */
    lastPrompt: () => prompts.at(-1)?.messages,
    ask: async (request: PromptRequest): Promise<string> => {
      const chunks = await lastValueFrom(running.request(request).pipe(toArray()))
      return chunks.map(({ text }) => text).join('')
    },
    stored: async (session = 's') => readConversation((await store.get(session))?.state).messages,
    dropped: async (session = 's') => readConversation((await store.get(session))?.state).dropped,
  }
}

const user = (content: string): ChatMessage => ({ role: 'user', content })
const assistant = (content: string): ChatMessage => ({ role: 'assistant', content })

describe('a conversation in a session', () => {
  test('stands before what is asked next, behind the system messages', async () => {
    const { ask, lastPrompt, stored } = chat(counts, { system: 'Be brief.' })
    await ask({ session: 's', input: 'one' })
    await ask({ session: 's', messages: [{ role: 'system', content: 'In French.' }, user('two')] })
    expect(lastPrompt()).toEqual([
      { role: 'system', content: 'Be brief.\n\nIn French.' },
      user('one'),
      assistant('answer 2'),
      user('two'),
    ])
    expect(await stored()).toEqual([user('one'), assistant('answer 2'), user('two'), assistant('answer 4')])
  })

  test('is there for the request that waited for the one before', async () => {
    const { running, lastPrompt } = chat()
    const replies = ['one', 'two'].map((input) => running.submit({ session: 's', input }))
    await Promise.all(replies.map((reply) => lastValueFrom(reply.output$)))
    expect(lastPrompt()).toEqual([user('one'), assistant('answer 1'), user('two')])
  })

  test('is of no other session, and of none where there is no session', async () => {
    const { ask, lastPrompt } = chat()
    await ask({ session: 's', input: 'one' })
    await ask({ session: 't', input: 'two' })
    expect(lastPrompt()).toEqual([user('two')])
    await ask({ input: 'three' })
    expect(lastPrompt()).toEqual([user('three')])
  })

  test('is replaced by one that a request brings itself', async () => {
    const { ask, lastPrompt, stored } = chat()
    await ask({ session: 's', input: 'one' })
    const messages = [user('a'), assistant('b'), user('c')]
    await ask({ session: 's', messages })
    expect(lastPrompt()).toEqual(messages)
    expect(await stored()).toEqual([...messages, assistant('answer 3')])
  })

  test('loses its oldest turns where a prompt has no room, but keeps them stored', async () => {
    const { ask, lastPrompt, stored } = chat(counts, {
      maxPromptTokens: 12,
      countTokens: (text) => text.split(' ').length,
    })
    for (const input of ['one', 'two', 'three']) await ask({ session: 's', input })
    expect(lastPrompt()).toEqual([user('three')])
    expect(await stored()).toHaveLength(6)
  })

  test('loses its oldest turns where the store has no room', async () => {
    const { ask, stored, dropped } = chat(counts, { maxBytes: 200 })
    for (const input of ['one', 'two', 'three']) await ask({ session: 's', input })
    expect(await stored()).toEqual([user('two'), assistant('answer 3'), user('three'), assistant('answer 5')])
    expect(await dropped()).toBe(1)
  })
})

describe('an answer is stored', () => {
  test('as its reader got it: filtered, trimmed, up to the stop sequence, the first choice alone', async () => {
    const say: Say = () => [
      { text: ' the secret' },
      { text: 'another', choice: 1 },
      { text: ' word END of it', reasoning: 'hm', finishReason: 'stop' },
    ]
    const { ask, stored } = chat(say, { filters: [wordFilter({ words: ['secret'], mask: '#' })] })
    await ask({ session: 's', input: 'one', parameters: { n: 2, stop: ['END'] } })
    expect(await stored()).toEqual([user('one'), assistant('the # word')])
  })

  test('with the calls of tools, which leave it when nobody answers them', async () => {
    const call = { index: 0, id: 'c', name: 'f', arguments: '{"a":' }
    const say: Say = ({ messages }) =>
      messages.length === 1
        ? [
            { text: '', toolCalls: [call] },
            { text: '', toolCalls: [{ index: 0, arguments: '1}' }], finishReason: 'tool_calls' },
          ]
        : counts({ messages })
    const { ask, stored, lastPrompt } = chat(say)
    await ask({ session: 's', input: 'one' })
    const called: ChatMessage = { ...assistant(''), toolCalls: [{ id: 'c', name: 'f', arguments: '{"a":1}' }] }
    expect(await stored()).toEqual([user('one'), called])
    const result: ChatMessage = { role: 'tool', content: '2', toolCallId: 'c' }
    await ask({ session: 's', messages: [user('one'), called, result] })
    expect(await stored()).toEqual([user('one'), called, result, assistant('answer 3')])
    await ask({ session: 't', input: 'one' })
    await ask({ session: 't', input: 'two' })
    expect(lastPrompt()).toEqual([user('one'), user('two')])
    expect(await stored('t')).toEqual([user('one'), user('two'), assistant('answer 2')])
  })

  test.each<[string, Say]>([
    ['fails', () => new Error('no model')],
    ['is refused', () => [{ text: '', refusal: 'No.', finishReason: 'stop' }]],
    ['says nothing', () => [{ text: '  ', finishReason: 'stop' }]],
  ])('but not when it %s', async (_, say) => {
    const { ask, stored } = chat(say)
    await ask({ session: 's', input: 'one' }).catch(() => undefined)
    expect(await stored()).toEqual([])
  })

  test('nor when its reader goes away', async () => {
    const { running, stored } = chat(() => [{ text: 'a' }, { text: 'b' }])
    for await (const _ of running.submit({ session: 's', input: 'one' })) break
    expect(await stored()).toEqual([])
  })
})

describe('when the store is away', () => {
  const away: SessionStore = {
    get: () => Promise.reject(new StoreError('away')),
    update: () => Promise.reject(new StoreError('away')),
    touch: () => Promise.resolve(false),
    delete: () => Promise.resolve(false),
    close: () => Promise.resolve(),
  }

  test('it is answered without what was said before', async () => {
    const { ask } = chat(counts, { store: away })
    expect(await ask({ session: 's', input: 'one' })).toBe('answer 1')
  })

  test('it fails, if that is wanted', async () => {
    const { ask } = chat(counts, { store: away, onOutage: 'fail' })
    await expect(ask({ session: 's', input: 'one' })).rejects.toThrow('the session could not be read: away')
  })

  test('so is a session that holds something else', async () => {
    const { ask } = chat(counts, {
      store: { ...away, get: () => Promise.resolve({ version: 1, state: 'x', updatedAt: 0 }) },
    })
    expect(await ask({ session: 's', input: 'one' })).toBe('answer 1')
  })
})
