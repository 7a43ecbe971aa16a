import { firstValueFrom, of, toArray } from 'rxjs'
import { expect, test } from 'vitest'
import { AlreadyConsumedError } from '../../../src/index.ts'
import { supervisedStream } from '../../../src/pipeline/supervised-stream.ts'

test('is subscribed once: what makes a stream is not done twice', async () => {
  let ends = 0
  const { stream$: once$ } = supervisedStream(of('a', 'b'), {
    onOpen: () => undefined,
    onAwaited: () => undefined,
    onEnd: () => {
      ends += 1
    },
  })
  expect(await firstValueFrom(once$.pipe(toArray()))).toEqual(['a', 'b'])
  await expect(firstValueFrom(once$)).rejects.toBeInstanceOf(AlreadyConsumedError)
  expect(ends).toBe(1)
})
