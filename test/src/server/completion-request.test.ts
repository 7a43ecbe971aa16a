import { describe, expect, test } from 'vitest'
import { checkCompletionRequest } from '../../../src/server/completion-request.ts'
import type { ModelInfo } from '../../../src/workers/model-worker.ts'

const models: readonly ModelInfo[] = [{ id: 'm', provider: 'test', models: ['m'], capabilities: ['completions'] }]
const check = (body: unknown): ReturnType<typeof checkCompletionRequest> =>
  checkCompletionRequest(body, { models, promptChars: 100 })

test('every field arrives under its own name', () => {
  const body = {
    model: 'm',
    prompt: ['a', [1, 2]],
    suffix: '!',
    echo: true,
    best_of: 3,
    logprobs: 2,
    n: 2,
    temperature: 0,
    top_p: 1,
    max_tokens: 5,
    stop: 'END',
    seed: 7,
    frequency_penalty: -2,
    presence_penalty: 2,
    logit_bias: { '50256': -100 },
    user: 'ada',
    top_k: 4,
  }
  expect(check(body)).toEqual({
    ok: true,
    value: {
      prompt: {
        prompts: ['a', [1, 2]],
        model: 'm',
        suffix: '!',
        echo: true,
        bestOf: 3,
        parameters: {
          n: 2,
          temperature: 0,
          topP: 1,
          maxTokens: 5,
          stop: ['END'],
          seed: 7,
          frequencyPenalty: -2,
          presencePenalty: 2,
          logitBias: { '50256': -100 },
          logprobs: true,
          topLogprobs: 2,
          extra: { top_k: 4 },
        },
      },
      stream: false,
      includeUsage: false,
    },
  })
})

test('null counts as absent, and a stream may end with its usage', () => {
  const absent = {
    model: null,
    suffix: null,
    echo: null,
    best_of: null,
    logprobs: null,
    n: null,
    stop: null,
    user: null,
  }
  expect(check({ prompt: 'a', ...absent, stream: true, stream_options: { include_usage: true } })).toEqual({
    ok: true,
    value: { prompt: { prompts: ['a'], model: 'm' }, stream: true, includeUsage: true },
  })
})

describe('what is wrong is refused by the name of its field', () => {
  test.each<[string | null, unknown]>([
    [null, 'text'],
    [null, []],
    [null, null],
    ['prompt', {}],
    ['prompt', { prompt: null }],
    ['prompt', { prompt: 7 }],
    ['prompt', { prompt: {} }],
    ['prompt', { prompt: [] }],
    ['prompt', { prompt: [1, -1] }],
    ['prompt', { prompt: [1.5] }],
    ['prompt', { prompt: [2 ** 31] }],
    ['prompt[1]', { prompt: ['a', 1] }],
    ['prompt[0]', { prompt: [[]] }],
    ['prompt[1]', { prompt: ['a', null] }],
    ['prompt', { prompt: Array.from({ length: 2049 }, () => '') }],
    ['prompt', { prompt: 'a'.repeat(101) }],
    ['prompt', { prompt: 'a'.repeat(60), suffix: 'b'.repeat(41) }],
    ['prompt', { prompt: 'a'.repeat(60), guided_regex: 'b'.repeat(60) }],
    ...Object.entries({
      model: ['', 7],
      suffix: [7, {}],
      echo: ['true', 1],
      best_of: [0, 129, 1.5, '2'],
      logprobs: [-1, 21, true],
      n: [0, 129, 1.5, '1'],
      temperature: [-0.1, 2.1, '1'],
      top_p: [-0.1, 1.1],
      max_tokens: [0, 1.5, '1'],
      stop: [7, '', 'x'.repeat(257), Array.from({ length: 17 }, () => 'x')],
      seed: [1.5, 'a'],
      frequency_penalty: [-2.1, 2.1],
      presence_penalty: [-2.1, 2.1],
      logit_bias: [[], 'a'],
      stream: ['true', 1],
      stream_options: [true, { include_usage: true }],
      user: [7, 'u'.repeat(513)],
    }).flatMap(([field, values]) =>
      values.map((value: unknown): [string, unknown] => [field, { prompt: 'a', [field]: value }]),
    ),
    ['stream_options.include_usage', { prompt: 'a', stream: true, stream_options: { include_usage: 1 } }],
    ['logit_bias.7', { prompt: 'a', logit_bias: { '7': 101 } }],
    ['best_of', { prompt: 'a', n: 3, best_of: 2 }],
    ['best_of', { prompt: 'a', best_of: 2, stream: true }],
  ])('%s: %j', (param, body) => {
    const checked = check(body)
    expect(checked).toMatchObject({ ok: false, refusal: { status: 400, param } })
    if (!checked.ok && param !== null) expect(checked.refusal.message).toContain(param)
  })
})
