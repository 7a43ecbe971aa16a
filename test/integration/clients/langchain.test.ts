import { AIMessageChunk, HumanMessage, SystemMessage } from '@langchain/core/messages'
import { tool } from '@langchain/core/tools'
import { ChatOpenAI, type ChatOpenAIFields, OpenAI, OpenAIEmbeddings } from '@langchain/openai'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { connectedHosts } from './connected-hosts.ts'
import { serveFixture, type ServedFixture, textFrames, toolThenText } from './serve-fixture.ts'

const hosts = connectedHosts()
beforeAll(() => {
  // Whoever develops with LangSmith has these set, and would send it what the tests ask.
  for (const name of ['LANGSMITH_TRACING', 'LANGCHAIN_TRACING', 'LANGSMITH_TRACING_V2', 'LANGCHAIN_TRACING_V2']) {
    vi.stubEnv(name, 'false')
  }
})
afterAll(() => {
  vi.unstubAllEnvs()
  expect([...hosts]).toEqual(['127.0.0.1'])
})

const model = 'fixture'
const question = 'How high is the water?'

const at = ({
  baseURL,
}: ServedFixture): { apiKey: string; maxRetries: number; configuration: { baseURL: string } } => ({
  apiKey: 'none',
  maxRetries: 0,
  configuration: { baseURL },
})
const chatOf = (served: ServedFixture, fields: ChatOpenAIFields = {}): ChatOpenAI =>
  new ChatOpenAI({ model, ...at(served), ...fields })

describe('chat', () => {
  test('invoke', async () => {
    await using served = await serveFixture({ chunks: ['It is ', 'rising ', '😀.'] })
    const chat = chatOf(served, { temperature: 0.5, maxTokens: 9, stop: ['END'] })
    const answer = await chat.invoke([new SystemMessage('Be brief.'), new HumanMessage(question)])
    expect(answer.content).toBe('It is rising 😀.')
    expect(answer.response_metadata).toMatchObject({ finish_reason: 'stop', model_name: model })
    expect(answer.usage_metadata).toMatchObject({ input_tokens: 7, output_tokens: 3, total_tokens: 10 })
    expect((await served.model.request(0)).body).toMatchObject({
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: question },
      ],
      temperature: 0.5,
      max_tokens: 9,
      stop: ['END'],
    })
  })

  test('stream, whose chunks concatenate', async () => {
    await using served = await serveFixture({ chunks: ['It is ', 'rising ', '😀.'] })
    let whole: AIMessageChunk | undefined
    let count = 0
    for await (const chunk of await chatOf(served).stream(question)) {
      whole = whole === undefined ? chunk : whole.concat(chunk)
      count++
    }
    expect(count).toBeGreaterThan(3)
    expect(whole?.content).toBe('It is rising 😀.')
    expect(whole?.response_metadata).toMatchObject({ finish_reason: 'stop' })
    expect(whole?.usage_metadata).toMatchObject({ input_tokens: 5, output_tokens: 3, total_tokens: 8 })
  })

  test('batch, in its order', async () => {
    await using served = await serveFixture()
    const asked = ['one lake', 'two lakes', 'three lakes', 'four lakes']
    const answers = await chatOf(served).batch(asked, { maxConcurrency: 2 })
    expect(answers.map(({ content }) => content)).toEqual(asked)
    expect(served.model.maxConcurrency).toBeLessThanOrEqual(2)
  })

  test('several choices', async () => {
    await using served = await serveFixture({
      frames: () => [
        ...textFrames('a'),
        ...textFrames('b').map((frame) => frame.map((each) => ({ ...each, index: 1 }))),
      ],
    })
    const { generations } = await chatOf(served, { n: 2 }).generate([[new HumanMessage(question)]])
    expect(generations[0]?.map(({ text }) => text)).toEqual(['a', 'b'])
  })
})

describe('tools', () => {
  const level = tool(({ lake }) => `290 m, ${lake}`, {
    name: 'level',
    description: 'The level of a lake',
    schema: z.object({ lake: z.string() }),
  })

  test('a round trip', async () => {
    await using served = await serveFixture({ frames: toolThenText('level', '{"lake":"Orta"}') })
    const chat = chatOf(served).bindTools([level])
    const first = await chat.invoke(question)
    expect(first.tool_calls).toMatchObject([{ id: 'call_1', name: 'level', args: { lake: 'Orta' } }])
    const result = await level.invoke(first.tool_calls![0]!)
    const second = await chat.invoke([new HumanMessage(question), first, result])
    expect(second.content).toBe('It is 290 m, Orta.')
    const { body } = await served.model.request(1)
    expect(body?.['tools']).toMatchObject([{ type: 'function', function: { name: 'level' } }])
    expect(body?.messages.slice(1)).toMatchObject([
      { role: 'assistant', tool_calls: [{ id: 'call_1', function: { name: 'level' } }] },
      { role: 'tool', tool_call_id: 'call_1', content: '290 m, Orta' },
    ])
  })

  test('the pieces of a streamed call are put together', async () => {
    await using served = await serveFixture({ frames: toolThenText('level', '{"lake":"Orta"}') })
    let whole = new AIMessageChunk('')
    for await (const chunk of await chatOf(served).bindTools([level]).stream(question)) whole = whole.concat(chunk)
    expect(whole.tool_calls).toMatchObject([{ id: 'call_1', name: 'level', args: { lake: 'Orta' } }])
  })
})

describe('withStructuredOutput', () => {
  const Level = z.object({ lake: z.string(), metres: z.number() })
  const written = '{"lake": "Orta", "metres": 290}'

  test.each(['jsonSchema', 'jsonMode'] as const)('by %s', async (method) => {
    await using served = await serveFixture({ chunks: [written.slice(0, 9), written.slice(9)] })
    const structured = chatOf(served).withStructuredOutput(Level, { name: 'level', method })
    expect(await structured.invoke(question)).toEqual({ lake: 'Orta', metres: 290 })
    const type = method === 'jsonMode' ? 'json_object' : 'json_schema'
    expect((await served.model.request(0)).body).toMatchObject({ response_format: { type } })
  })

  test('by a call of a function', async () => {
    await using served = await serveFixture({ frames: toolThenText('level', written) })
    const structured = chatOf(served).withStructuredOutput(Level, { name: 'level', method: 'functionCalling' })
    expect(await structured.invoke(question)).toEqual({ lake: 'Orta', metres: 290 })
    expect((await served.model.request(0)).body).toMatchObject({
      tool_choice: { type: 'function', function: { name: 'level' } },
    })
  })
})

test('completions of bare text, whole and streamed', async () => {
  await using served = await serveFixture()
  const completing = new OpenAI({ model, ...at(served) })
  expect(await completing.invoke('is it deep')).toBe('deep it is')
  let streamed = ''
  for await (const piece of await completing.stream('is it deep')) streamed += piece
  expect(streamed).toBe('deep it is')
  expect((await served.model.request(0)).path).toBe('/v1/completions')
})

test('embeddings of documents and of a question', async () => {
  await using served = await serveFixture()
  const embeddings = new OpenAIEmbeddings({ model, ...at(served), batchSize: 2 })
  const vectorOf = (text: string): number[] => [text.length, Math.fround(1 / 7), Math.fround(2 / 7)]
  const texts = ['a', 'four', 'seven b']
  expect(await embeddings.embedDocuments(texts)).toEqual(texts.map(vectorOf))
  expect(await embeddings.embedQuery('four')).toEqual(vectorOf('four'))
  expect(served.model.requests).toHaveLength(3)
})

describe('what goes wrong', () => {
  test('an overloaded model', async () => {
    const error = { status: 429, message: 'slow down', headers: { 'retry-after-ms': '40' } }
    await using served = await serveFixture({ error })
    await expect(chatOf(served).invoke(question)).rejects.toMatchObject({ status: 429, code: 'model_overloaded' })
    await expect(chatOf(served).stream(question)).rejects.toMatchObject({ status: 429 })
  })

  test('a bad field is named, and not tried again', async () => {
    await using served = await serveFixture()
    const asked = chatOf(served, { topP: 7, maxRetries: 3 }).invoke(question)
    await expect(asked).rejects.toMatchObject({ status: 400, param: 'top_p' })
    expect(served.model.requests).toHaveLength(0)
  })

  test('an answer that is broken off is no short answer', async () => {
    await using served = await serveFixture({ chunks: ['one ', 'two '], breakAfter: 1 })
    const read = async (): Promise<void> => {
      for await (const chunk of await chatOf(served).stream(question)) expect(chunk.content).not.toContain('two')
    }
    await expect(read()).rejects.toMatchObject({ code: 'model_unavailable' })
  })

  test.each(['in mid-stream', 'before the answer'])('an abort %s cancels the call of the model', async (when) => {
    await using served = await serveFixture({ chunks: ['on and '], endless: true })
    const leaving = new AbortController()
    const { signal } = leaving
    const read = async (): Promise<void> => {
      if (when !== 'in mid-stream') await chatOf(served).invoke(question, { signal })
      else
        for await (const chunk of await chatOf(served).stream(question, { signal }))
          if (chunk.text !== '') leaving.abort()
    }
    const reading = expect(read()).rejects.toThrow(/abort/i)
    const request = await served.model.request(0)
    if (when !== 'in mid-stream') leaving.abort()
    await reading
    expect(await request.closed).toMatchObject({ complete: false })
  })
})
