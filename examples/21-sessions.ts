// A chat that remembers: what was said in a session is kept in a SQLite file and stands before what is asked next.
// The echo model answers with the assembled prompt, so that the conversation can be seen.
import { chatPipeline, ShedError } from 'spillway'
import { createSqliteSessionStore } from 'spillway/stores'
import { echo } from 'spillway/workers'

const store = createSqliteSessionStore({ file: ':memory:' }) // './sessions.db': several processes may share it
const running = chatPipeline({ worker: echo(), system: 'Be brief.' }).start({
  sessions: { store, maxWaiting: 4, onOutage: 'continue-without' },
})

async function ask(session: string, input: string): Promise<void> {
  try {
    const words: string[] = []
    for await (const { text } of running.submit({ session, input })) words.push(text)
    console.log(`${session}: ${input} -> ${JSON.stringify(words.join(''))}`)
  } catch (error) {
    if (error instanceof ShedError) console.error(`too many at once, try again in ${error.retryAfterMs} ms`)
    else throw error
  }
}

// Of one session they are answered one after the other; Bob overtakes Ada's second question.
await Promise.all([ask('ada', 'My name is Ada.'), ask('ada', 'What is my name?'), ask('bob', 'And mine?')])

const { version, state } = (await store.get('ada')) ?? {}
console.log(`version ${version} of Ada's session:`, JSON.stringify(state))

// A request that brings an answer of before is taken as it is, and its conversation replaces what is kept.
const messages = [
  { role: 'user', content: 'Hello.' },
  { role: 'assistant', content: 'Hello!' },
  { role: 'user', content: 'Forget the rest.' },
] as const
for await (const { text } of running.submit({ session: 'ada', messages })) process.stdout.write(text)
console.log('\n', (await store.get('ada'))?.version, running.ledger())
await running.drain()
await store.close()
