import { expect, test } from 'vitest'
import { createAllowedMethods } from '../../../src/server/allowed-methods.ts'

test('the methods of all patterns that fit a path, and none where nothing is', () => {
  const allowed = createAllowedMethods()
  allowed.add('/v1/models', ['GET', 'HEAD'])
  allowed.add('/v1/models/*', 'GET')
  allowed.add('/v1/streams/:id', 'GET')
  allowed.add('/v1/streams/:id', 'DELETE')
  allowed.add('/openapi.json', 'GET')
  expect(allowed.at('/v1/models')).toBe('GET, HEAD')
  expect(allowed.at('/v1/models/org/m')).toBe('GET')
  expect(allowed.at('/v1/streams/1')).toBe('DELETE, GET')
  for (const path of ['/v1/models/', '/v1/streams/1/2', '/openapiXjson', '/v1', '']) {
    expect(allowed.at(path)).toBeUndefined()
  }
})
