import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import type { Prompt } from '../../../src/workers/model-worker.ts'
import { openai } from '../../../src/workers/openai.ts'
import { type OpenAiServerBehaviour, startOpenAiServer } from '../../fixtures/openai-server.ts'

const prompt: Prompt = { messages: [{ role: 'user', content: 'the water is high' }] }

async function failureOf(behaviour: OpenAiServerBehaviour): Promise<unknown> {
  await using server = await startOpenAiServer(behaviour)
  return await openai({ baseUrl: server.baseUrl, model: 'fixture' })
    .infer(prompt)
    .catch((reason: unknown) => reason)
}

test("an answer that is not the API's is told from one that is broken off", async () => {
  expect(await failureOf({ garbageAfter: 1 })).toMatchObject({ unreadable: true })
  expect(await failureOf({ truncateAfter: 1 })).toMatchObject({ unreadable: false })
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>secret page</h1>')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
  const error: unknown = await openai({ baseUrl, model: 'fixture' })
    .infer(prompt)
    .catch((reason: unknown) => reason)
  server.close()
  server.closeAllConnections()
  expect(error).toMatchObject({
    unreadable: true,
    reason: `${baseUrl} answered with "text/html", not with an event stream of OpenAI's API`,
  })
})
