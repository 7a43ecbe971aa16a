import { createOpenAICompatible, type OpenAICompatibleProvider } from '@ai-sdk/openai-compatible'
import {
  APICallError,
  embed,
  embedMany,
  generateObject,
  generateText,
  Output,
  RetryError,
  stepCountIs,
  streamObject,
  streamText,
  type TextStreamPart,
  tool,
  type ToolSet,
} from 'ai'
import { afterAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { connectedHosts } from './connected-hosts.ts'
import { part, serveFixture, type ServedFixture, textFrames, toolThenText } from './serve-fixture.ts'

const hosts = connectedHosts()
afterAll(() => {
  expect([...hosts]).toEqual(['127.0.0.1'])
})

const providerOf = ({ baseURL }: ServedFixture): OpenAICompatibleProvider =>
  createOpenAICompatible({ name: 'spillway', baseURL, includeUsage: true, supportsStructuredOutputs: true })

const model = 'fixture'
const prompt = 'How high is the water?'
const Level = z.object({ lake: z.string(), metres: z.number() })

async function partsOf<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const parts: T[] = []
  for await (const each of stream) parts.push(each)
  return parts
}

describe('chat', () => {
  test('generateText', async () => {
    await using served = await serveFixture({ chunks: ['It is ', 'rising ', '😀.'] })
    const { text, finishReason, usage, response } = await generateText({
      model: providerOf(served)(model),
      system: 'Be brief.',
      prompt,
      temperature: 0.5,
      maxOutputTokens: 9,
      stopSequences: ['END'],
      seed: 7,
    })
    expect([text, finishReason, response.modelId]).toEqual(['It is rising 😀.', 'stop', model])
    expect(usage).toMatchObject({ inputTokens: 7, outputTokens: 3, totalTokens: 10 })
    expect((await served.model.request(0)).body).toMatchObject({
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: prompt },
      ],
      temperature: 0.5,
      max_tokens: 9,
      stop: ['END'],
      seed: 7,
    })
  })

  test('streamText, all parts of its stream in order', async () => {
    await using served = await serveFixture({ chunks: ['It is ', 'rising ', '😀.'] })
    const result = streamText({ model: providerOf(served)(model), prompt })
    const parts = await partsOf(result.fullStream)
    const kinds = parts.map(({ type }) => type).filter((type, index, all) => type !== all[index - 1])
    expect(kinds).toEqual(['start', 'start-step', 'text-start', 'text-delta', 'text-end', 'finish-step', 'finish'])
    expect(parts.map((each) => (each.type === 'text-delta' ? each.text : '')).join('')).toBe('It is rising 😀.')
    expect(await result.usage).toMatchObject({ inputTokens: 5, outputTokens: 3, totalTokens: 8 })
    expect(await result.finishReason).toBe('stop')
  })

  test('what the model says to itself is reasoning, whole and streamed', async () => {
    await using served = await serveFixture({
      frames: () => [[part({ reasoning: 'let me ' })], [part({ reasoning: 'think' })], ...textFrames('Done.')],
    })
    const provider = providerOf(served)
    const whole = await generateText({ model: provider(model), prompt })
    expect([whole.reasoningText, whole.text]).toEqual(['let me think', 'Done.'])
    const streamed = streamText({
      model: provider(model),
      prompt,
      providerOptions: { spillway: { reasoningEffort: 'low' } },
    })
    expect(await streamed.text).toBe('Done.')
    expect(await streamed.reasoningText).toBe('let me think')
    expect((await served.model.request(1)).body).toMatchObject({ reasoning_effort: 'low' })
  })
})

describe('tools', () => {
  const asked: unknown[] = []
  const level = tool({
    description: 'The level of a lake',
    inputSchema: z.object({ lake: z.string() }),
    execute(input) {
      asked.push(input)
      return '290 m'
    },
  })

  test.each(['whole', 'streamed'])('a loop of two steps, %s', async (way) => {
    await using served = await serveFixture({ frames: toolThenText('level', '{"lake":"Orta"}') })
    asked.length = 0
    const call = { model: providerOf(served)(model), prompt, tools: { level }, stopWhen: stepCountIs(3) }
    const result = way === 'whole' ? await generateText(call) : streamText(call)
    const steps = await result.steps
    expect(steps.map(({ finishReason }) => finishReason)).toEqual(['tool-calls', 'stop'])
    expect(await result.text).toBe('It is 290 m.')
    expect(asked).toEqual([{ lake: 'Orta' }])
    const { body } = await served.model.request(1)
    expect(body?.['tools']).toMatchObject([{ type: 'function', function: { name: 'level' } }])
    expect(body?.messages.slice(1)).toMatchObject([
      { role: 'assistant', tool_calls: [{ function: { name: 'level', arguments: '{"lake":"Orta"}' } }] },
      { role: 'tool', content: '290 m' },
    ])
  })
})

describe('structured output', () => {
  const chunks = ['{"lake": "Orta", ', '"metres": 290}']

  /* eslint-disable @typescript-eslint/no-deprecated -- programs that were written for the version before call these */
  test('generateObject and streamObject', async () => {
    await using served = await serveFixture({ chunks })
    const call = { model: providerOf(served)(model), prompt, schema: Level }
    expect((await generateObject(call)).object).toEqual({ lake: 'Orta', metres: 290 })
    const streamed = streamObject(call)
    const partial = await partsOf(streamed.partialObjectStream)
    expect(partial.at(-1)).toEqual({ lake: 'Orta', metres: 290 })
    expect(await streamed.object).toEqual({ lake: 'Orta', metres: 290 })
    expect((await served.model.request(0)).body).toMatchObject({
      response_format: { type: 'json_schema', json_schema: { schema: { required: ['lake', 'metres'] } } },
    })
  })
  /* eslint-enable @typescript-eslint/no-deprecated */

  test('Output.object', async () => {
    await using served = await serveFixture({ chunks })
    const call = { model: providerOf(served)(model), prompt, output: Output.object({ schema: Level }) }
    expect((await generateText(call)).output).toEqual({ lake: 'Orta', metres: 290 })
    expect(await streamText(call).output).toEqual({ lake: 'Orta', metres: 290 })
  })
})

test('completions of bare text, whole and streamed', async () => {
  await using served = await serveFixture()
  const completing = providerOf(served).completionModel(model)
  const call = { model: completing, prompt: 'deep' }
  const whole = await generateText(call)
  const streamed = streamText(call)
  // The client writes a conversation of its own around the prompt; the fixture says its words backwards.
  expect(whole.text).toContain('deep')
  expect(await streamed.text).toBe(whole.text)
  expect(await streamed.usage).toMatchObject({ inputTokens: 1, outputTokens: 2, totalTokens: 3 })
  expect((await served.model.request(0)).path).toBe('/v1/completions')
})

test('embeddings, one and many', async () => {
  await using served = await serveFixture()
  const embedding = providerOf(served).embeddingModel(model)
  const one = await embed({ model: embedding, value: 'four' })
  expect(one.embedding).toEqual([4, 1 / 7, 2 / 7])
  expect(one.usage).toEqual({ tokens: 5 })
  const many = await embedMany({ model: embedding, values: ['a', 'bcd'] })
  expect(many.embeddings).toEqual([
    [1, 1 / 7, 2 / 7],
    [3, 1 / 7, 2 / 7],
  ])
})

describe('what goes wrong', () => {
  test('an overloaded model: the client obeys Retry-After, and gives up with all that it heard', async () => {
    const error = { status: 429, message: 'slow down', headers: { 'retry-after-ms': '20' } }
    await using served = await serveFixture({ error })
    const call = { model: providerOf(served)(model), prompt, maxRetries: 1 }
    const failure: unknown = await generateText(call).catch((thrown: unknown) => thrown)
    expect(failure).toBeInstanceOf(RetryError)
    const last = (failure as RetryError).lastError
    expect(last).toBeInstanceOf(APICallError)
    expect(last).toMatchObject({ statusCode: 429, isRetryable: true })
    expect((last as APICallError).message).toContain('slow down')
    expect((last as APICallError).responseHeaders).toMatchObject({ 'retry-after-ms': '20', 'retry-after': '1' })
    expect(served.model.requests).toHaveLength(2)

    const retried = generateText(call)
    await served.model.request(2)
    delete served.model.behaviour.error
    expect((await retried).text).toBe(prompt)
    expect(served.model.requests).toHaveLength(4)
  })

  test('a bad field is named, and not tried again', async () => {
    await using served = await serveFixture()
    const call = generateText({ model: providerOf(served)(model), prompt, temperature: 7, maxRetries: 3 })
    const failure = await call.catch((thrown: unknown) => thrown)
    expect(failure).toBeInstanceOf(APICallError)
    expect(failure).toMatchObject({ statusCode: 400, isRetryable: false })
    expect((failure as APICallError).message).toContain('temperature')
    expect(served.model.requests).toHaveLength(0)
  })

  test('an answer that is broken off ends in an error, not in a short text', async () => {
    await using served = await serveFixture({ chunks: ['one ', 'two '], breakAfter: 1 })
    const parts = await partsOf<TextStreamPart<ToolSet>>(
      streamText({ model: providerOf(served)(model), prompt, onError: () => undefined }).fullStream,
    )
    expect(parts.find(({ type }) => type === 'error')).toMatchObject({ error: { code: 'model_unavailable' } })
    expect(parts.map(({ type }) => type)).toContain('text-delta')
  })

  test('an abort in mid-stream cancels the call of the model', async () => {
    await using served = await serveFixture({ chunks: ['on and '], endless: true })
    const leaving = new AbortController()
    const { fullStream } = streamText({ model: providerOf(served)(model), prompt, abortSignal: leaving.signal })
    const kinds: string[] = []
    for await (const { type } of fullStream) {
      kinds.push(type)
      if (type === 'text-delta') leaving.abort()
    }
    expect(kinds.at(-1)).toBe('abort')
    const { closed } = await served.model.request(0)
    expect(await closed).toMatchObject({ complete: false })
  })
})
