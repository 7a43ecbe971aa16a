// The five stages over two small documents, with the built-in echo model: it answers with the assembled prompt.
import { chatPipeline, createSqliteRetriever, ShedError } from 'spillway'
import { echo } from 'spillway/workers'

const retriever = createSqliteRetriever({ path: ':memory:' })
await retriever.add([
  { source: 'expenses.md', text: '# Expenses\n\nClaim a train ticket within thirty days, with the receipt.' },
  { source: 'holidays.md', text: '# Holidays\n\nEverybody has thirty days off; ask your team before you book.' },
])

const chat = chatPipeline({ worker: echo(), retriever, topK: 1 })
const running = chat.start()

try {
  const request = { session: 'ada', input: 'How do I claim a train ticket?', deadlineMs: 10_000 }
  for await (const { text } of running.submit(request)) process.stdout.write(text)
} catch (error) {
  if (error instanceof ShedError) console.error(`too busy, try again in ${error.retryAfterMs} ms`)
  else throw error
}

console.log('\n', running.stages.inference, running.ledger())
await running.drain()
await retriever.close()
