// Many requests on one WebSocket: submitted, answered side by side, cancelled by name.
import { chatPipeline } from 'spillway'
import { createServer } from 'spillway/server'
import { echo } from 'spillway/workers'

const worker = echo({ delayMs: 50 })
const running = chatPipeline({ worker }).start()
const server = createServer({ running, models: [worker.info] })
const { url } = await server.listen({ port: 0 })

interface Frame {
  readonly type: 'chunks' | 'outcome' | 'error'
  readonly id: string
  readonly chunks?: readonly { readonly text: string }[]
  readonly outcome?: { readonly kind: string }
}

const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/stream`)
const texts = new Map<string, string>()
const over = new Promise<void>((resolve) => {
  let outcomes = 0
  socket.addEventListener('message', ({ data }) => {
    const { id, type, chunks = [], outcome } = JSON.parse(String(data)) as Frame
    texts.set(id, (texts.get(id) ?? '') + chunks.map(({ text }) => text).join(''))
    if (type !== 'outcome') return
    console.log(id, outcome?.kind, texts.get(id))
    if (++outcomes === 2) resolve()
  })
})

await new Promise((resolve) => {
  socket.addEventListener('open', resolve)
})
socket.send(JSON.stringify({ type: 'submit', id: 'a', request: { input: 'How deep is the reservoir?' } }))
socket.send(JSON.stringify({ type: 'submit', id: 'b', request: { input: 'Never mind.' } }))
socket.send(JSON.stringify({ type: 'cancel', id: 'b' }))
await over

socket.close()
await running.drain()
await server.close()
