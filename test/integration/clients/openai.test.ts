import { OpenAI } from 'openai'
import { zodResponseFormat } from 'openai/helpers/zod'
import { afterAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { connectedHosts } from './connected-hosts.ts'
import { callFrames, part, serveFixture, type ServedFixture, textFrames, toolThenText } from './serve-fixture.ts'

const hosts = connectedHosts()
afterAll(() => {
  expect([...hosts]).toEqual(['127.0.0.1'])
})

const clientOf = ({ baseURL }: ServedFixture, options: object = {}): OpenAI =>
  new OpenAI({ baseURL, apiKey: 'none', maxRetries: 0, ...options })

const model = 'fixture'
const messages = [{ role: 'user' as const, content: 'How high is the water?' }]
const tools: OpenAI.ChatCompletionFunctionTool[] = [
  {
    type: 'function',
    function: {
      name: 'level',
      description: 'The level of a lake',
      parameters: { type: 'object', properties: { lake: { type: 'string' } }, required: ['lake'] },
    },
  },
]

describe('chat', () => {
  test('whole and streamed', async () => {
    await using served = await serveFixture({ chunks: ['It is ', 'rising ', '😀.'] })
    const client = clientOf(served)
    const whole = await client.chat.completions.create({ model, messages })
    expect(whole.choices).toEqual([
      {
        index: 0,
        message: { role: 'assistant', content: 'It is rising 😀.', refusal: null },
        logprobs: null,
        finish_reason: 'stop',
      },
    ])
    expect(whole.usage).toEqual({ prompt_tokens: 5, completion_tokens: 3, total_tokens: 8 })

    const options = { stream: true, stream_options: { include_usage: true } } as const
    const chunks: OpenAI.ChatCompletionChunk[] = []
    for await (const chunk of await client.chat.completions.create({ model, messages, ...options })) chunks.push(chunk)
    expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe('It is rising 😀.')
    expect(chunks.at(-1)?.usage).toEqual(whole.usage)
  })

  test('several choices with probabilities, which come mixed', async () => {
    const token = (text: string): object => ({
      content: [{ token: text, logprob: -0.5, bytes: [97], top_logprobs: [{ token: 'x', logprob: -2, bytes: null }] }],
    })
    await using served = await serveFixture({
      frames: () => [
        [part({ role: 'assistant' }), part({ role: 'assistant' }, null, 1)],
        [part({ content: 'b1' }, null, 1, token('b1')), part({ content: 'a1' }, null, 0, token('a1'))],
        [part({ content: 'b2' }, 'length', 1, token('b2'))],
        [part({ content: 'a2' }, null, 0, token('a2'))],
        [part({}, 'stop')],
      ],
    })
    const client = clientOf(served)
    const asked = { model, messages, n: 2, logprobs: true, top_logprobs: 1, logit_bias: { '42': -1 } }
    const whole = await client.chat.completions.create(asked)
    expect(whole.choices.map(({ index, message, finish_reason }) => [index, message.content, finish_reason])).toEqual([
      [0, 'a1a2', 'stop'],
      [1, 'b1b2', 'length'],
    ])
    expect(whole.choices[1]?.logprobs?.content).toMatchObject([
      { token: 'b1', logprob: -0.5, bytes: [97], top_logprobs: [{ token: 'x', logprob: -2, bytes: null }] },
      { token: 'b2' },
    ])
    const streamed = client.chat.completions.stream(asked)
    const final = await streamed.finalChatCompletion()
    expect(final.choices.map(({ message, finish_reason }) => [message.content, finish_reason])).toEqual([
      ['a1a2', 'stop'],
      ['b1b2', 'length'],
    ])
    expect((await served.model.request(0)).body).toMatchObject({
      n: 2,
      logprobs: true,
      top_logprobs: 1,
      logit_bias: { '42': -1 },
    })
  })

  test("what only the model's server knows reaches it, and reasoning comes back", async () => {
    await using served = await serveFixture({
      frames: () => [[part({ reasoning: 'let me ' })], [part({ reasoning: 'think' })], ...textFrames('Done.')],
    })
    const extra = { top_k: 7, chat_template_kwargs: { enable_thinking: true } }
    const body = { model, messages, reasoning_effort: 'low', ...extra } as never
    const whole = (await clientOf(served).chat.completions.create(body)) as OpenAI.ChatCompletion
    expect(whole.choices[0]?.message).toMatchObject({ content: 'Done.', reasoning_content: 'let me think' })
    expect((await served.model.request(0)).body).toMatchObject({ reasoning_effort: 'low', ...extra })
  })

  test('a refusal', async () => {
    await using served = await serveFixture({
      frames: () => [[part({ refusal: 'I ' })], [part({ refusal: 'will not.' })], [part({}, 'stop')]],
    })
    const { choices } = await clientOf(served).chat.completions.create({ model, messages })
    expect(choices[0]?.message).toMatchObject({ content: null, refusal: 'I will not.' })
    const final = await clientOf(served).chat.completions.stream({ model, messages }).finalChatCompletion()
    expect(final.choices[0]?.message.refusal).toBe('I will not.')
  })
})

describe('tools', () => {
  test('a whole round trip', async () => {
    await using served = await serveFixture({ frames: toolThenText('level', '{"lake":"Orta"}') })
    const client = clientOf(served)
    const first = await client.chat.completions.create({ model, messages, tools, tool_choice: 'auto' })
    const { message, finish_reason } = first.choices[0]!
    expect(finish_reason).toBe('tool_calls')
    expect(message).toMatchObject({
      content: null,
      tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'level', arguments: '{"lake":"Orta"}' } }],
    })
    const answer = { role: 'tool' as const, tool_call_id: 'call_1', content: '290 m' }
    const second = await client.chat.completions.create({ model, messages: [...messages, message, answer], tools })
    expect(second.choices[0]?.message.content).toBe('It is 290 m.')
    expect((await served.model.request(1)).body).toMatchObject({
      tools,
      messages: [messages[0], { role: 'assistant', content: null, tool_calls: message.tool_calls }, answer],
    })
  })

  test('the stream helper puts the calls together', async () => {
    await using served = await serveFixture({ frames: () => callFrames('c', 'level', '{"la', 'ke":"', 'Orta"}') })
    const stream = clientOf(served).chat.completions.stream({ model, messages, tools })
    const done: unknown[] = []
    stream.on('tool_calls.function.arguments.done', (call) => done.push([call.name, call.arguments]))
    const final = await stream.finalChatCompletion()
    expect(done).toEqual([['level', '{"lake":"Orta"}']])
    expect(final.choices[0]?.message.tool_calls?.[0]).toMatchObject({ id: 'c', function: { name: 'level' } })
  })

  test('runTools calls the function and goes on', async () => {
    await using served = await serveFixture({ frames: toolThenText('level', '{"lake":"Orta"}') })
    const asked: unknown[] = []
    const runner = clientOf(served).chat.completions.runTools({
      model,
      messages,
      tools: [
        {
          type: 'function',
          function: {
            name: 'level',
            description: 'The level of a lake',
            parameters: { type: 'object', properties: { lake: { type: 'string' } } },
            parse: JSON.parse,
            function: (input: unknown) => {
              asked.push(input)
              return '290 m'
            },
          },
        },
      ],
    })
    expect(await runner.finalContent()).toBe('It is 290 m.')
    expect(asked).toEqual([{ lake: 'Orta' }])
  })
})

test('structured output is parsed by its schema', async () => {
  await using served = await serveFixture({ chunks: ['{"lake": "Orta", ', '"metres": 290}'] })
  const Level = z.object({ lake: z.string(), metres: z.number() })
  const response_format = zodResponseFormat(Level, 'level')
  const whole = await clientOf(served).chat.completions.parse({ model, messages, response_format })
  expect(whole.choices[0]?.message.parsed).toEqual({ lake: 'Orta', metres: 290 })
  const streamed = clientOf(served).chat.completions.stream({ model, messages, response_format })
  expect((await streamed.finalChatCompletion()).choices[0]?.message.parsed).toEqual({ lake: 'Orta', metres: 290 })
  expect((await served.model.request(0)).body).toMatchObject({ response_format })
})

describe('errors', () => {
  test("a model that is overloaded: its Retry-After comes through, and the client's own retry succeeds", async () => {
    const error = { status: 429, message: 'slow down', headers: { 'retry-after-ms': '40' } }
    await using served = await serveFixture({ error })
    const failure: unknown = await clientOf(served)
      .chat.completions.create({ model, messages })
      .catch((thrown: unknown) => thrown)
    expect(failure).toBeInstanceOf(OpenAI.RateLimitError)
    const { headers, code } = failure as InstanceType<typeof OpenAI.RateLimitError>
    expect([headers.get('retry-after-ms'), headers.get('retry-after'), code]).toEqual(['40', '1', 'model_overloaded'])

    const retried = clientOf(served, { maxRetries: 1 }).chat.completions.create({ model, messages })
    await served.model.request(1)
    delete served.model.behaviour.error
    expect((await retried).choices[0]?.message.content).toBe('How high is the water?')
    expect(served.model.requests).toHaveLength(3)
  })

  test('a bad field is named', async () => {
    await using served = await serveFixture()
    const asked = clientOf(served).chat.completions.create({ model, messages, n: 1000 })
    await expect(asked).rejects.toMatchObject({ status: 400, param: 'n', code: 'invalid_value' })
    expect(served.model.requests).toHaveLength(0)
  })

  test('an answer that is broken off is no short answer', async () => {
    await using served = await serveFixture({ chunks: ['one ', 'two '], breakAfter: 1 })
    const reading = clientOf(served).chat.completions.stream({ model, messages }).finalChatCompletion()
    await expect(reading).rejects.toMatchObject({ code: 'model_unavailable' })
  })
})

describe('completions of bare text', () => {
  test('whole, streamed, and of several prompts', async () => {
    await using served = await serveFixture()
    const client = clientOf(served)
    const whole = await client.completions.create({
      model,
      prompt: 'is it deep',
      suffix: '!',
      max_tokens: 5,
      best_of: 2,
    })
    expect(whole).toMatchObject({
      object: 'text_completion',
      choices: [{ index: 0, text: 'deep it is', finish_reason: 'stop', logprobs: null }],
      usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
    })
    expect((await served.model.request(0)).body).toMatchObject({
      prompt: 'is it deep',
      suffix: '!',
      max_tokens: 5,
      best_of: 2,
      stream: false,
    })
    const stream = await client.completions.create({ model, prompt: ['a b', 'c d'], stream: true })
    const texts = ['', '']
    for await (const { choices } of stream)
      for (const { index, text } of choices) texts[index] = `${texts[index]}${text}`
    expect(texts).toEqual(['b a', 'd c'])
    const tokens = await client.completions.create({ model, prompt: [1, 2, 3] })
    expect(tokens.choices[0]?.text).toBe('1,2,3 tokens')
  })

  test('probabilities as lists side by side', async () => {
    const logprobs = {
      tokens: ['Hi', ' all'],
      token_logprobs: [null, -0.25],
      top_logprobs: [null, { ' all': -0.25, ' you': -1.5 }],
      text_offset: [0, 2],
    }
    await using served = await serveFixture({
      frames: () => [
        [{ index: 0, text: 'Hi all', logprobs, finish_reason: null }],
        [{ index: 0, text: '', finish_reason: 'stop' }],
      ],
    })
    const whole = await clientOf(served).completions.create({ model, prompt: 'Hi', echo: true, logprobs: 2 })
    expect(whole.choices[0]).toEqual({ index: 0, text: 'Hi all', logprobs, finish_reason: 'stop' })
    expect((await served.model.request(0)).body).toMatchObject({ echo: true, logprobs: 2, stream: true })
  })
})

test('embeddings, as numbers and as base64', async () => {
  await using served = await serveFixture()
  const client = clientOf(served)
  const input = ['a', 'four', 'seven b']
  const numbers = await client.embeddings.create({ model, input, encoding_format: 'float' })
  expect(numbers.data.map(({ index, embedding }) => [index, embedding])).toEqual(
    input.map((text, index) => [index, [text.length, 1 / 7, 2 / 7]]),
  )
  expect(numbers.usage).toEqual({ prompt_tokens: 5, total_tokens: 5 })
  // The client asks for base64 by itself, and reads it.
  const packed = await client.embeddings.create({ model, input, dimensions: 2 })
  expect(packed.data.map(({ embedding }) => embedding)).toEqual(input.map((text) => [text.length, Math.fround(1 / 7)]))
  expect((await served.model.request(1)).body).toMatchObject({ input, dimensions: 2, encoding_format: 'float' })
  await expect(client.embeddings.create({ model, input: '' })).rejects.toMatchObject({ status: 400, param: 'input' })
})

test('models', async () => {
  await using served = await serveFixture()
  const client = clientOf(served)
  expect((await client.models.list()).data.map(({ id }) => id)).toEqual([model])
  expect(await client.models.retrieve(model)).toMatchObject({ id: model, object: 'model' })
  await expect(client.models.retrieve('gpt')).rejects.toBeInstanceOf(OpenAI.NotFoundError)
})
