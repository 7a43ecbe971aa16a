import { from, type Observable } from 'rxjs'
import { expect, expectTypeOf, test } from 'vitest'
import { stream } from '../../../src/stages/stream.ts'
import type { CompletionChunk } from '../../../src/workers/model-worker.ts'
import { chunksOf } from '../../fixtures/chunks-of.ts'

test('passes on what carries something, and nothing else', async () => {
  const usage = { promptTokens: 1, completionTokens: 1 }
  const carrying: CompletionChunk[] = [
    { text: 'a' },
    { text: '', finishReason: 'stop' },
    { text: '', usage },
    { text: ' ' },
  ]
  const idle: CompletionChunk[] = [{ text: '' }]
  const chunks$ = from([...idle, ...carrying, ...idle])
  expect(await chunksOf(stream()(chunks$))).toEqual(carrying)
})

test('takes chunks of any kind', async () => {
  const values = [0, 'a', '', null, undefined, false, [], { tokens: 3 }, { text: '', extra: undefined }]
  expect(await chunksOf(stream()(from(values)))).toEqual([0, 'a', null, undefined, false, [], { tokens: 3 }])
  expectTypeOf(stream()<string>).returns.toEqualTypeOf<Observable<string>>()
})
