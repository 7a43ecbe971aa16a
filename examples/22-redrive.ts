// A model that fails half of the time: what it could not do is kept in a SQLite file, tried again, and given up; once the
// model is well, a replay brings every one to completion, and another does nothing.
import { setTimeout } from 'node:timers/promises'
import { pipeline } from 'spillway'
import { createSqliteDeadLetterStore } from 'spillway/stores'

const deadLetters = createSqliteDeadLetterStore({ file: ':memory:', maxAttempts: 1 })

let ill = true
let calls = 0
const chat = pipeline<{ id: string; question: string }>('chat')
  .stage(
    'inference',
    async ({ question }) => {
      calls += 1
      if (ill && calls % 2 === 0) throw new Error('the model is out of memory')
      return `${question} Yes.`
    },
    { capacity: 64, concurrency: 4, deadLetter: ['failed'] },
  )
  .start({
    deadLetters,
    redrive: {
      budget: { perSecond: 100 }, // beside the requests of clients, of which there are none
      onRedriven: ({ letter, outcome }) => {
        console.log('redriven', letter.id, '->', outcome.value)
      },
    },
  })

async function settled(): Promise<void> {
  for (;;) {
    const { due, leased } = await deadLetters.counts()
    if (due + leased + chat.deadLetters().pending === 0) return
    await setTimeout(20)
  }
}

for (let n = 1; n <= 8; n++) chat.submit({ id: `q${n}`, question: `Is ${n} a number?` })
await settled()
const { entries } = await deadLetters.list({ pipeline: 'chat', state: 'dead' })
for (const { id, stage, error, attempts } of entries) console.log('dead', id, stage, error, `${attempts} attempts`)

ill = false
const ids = entries.map(({ submissionId }) => submissionId)
console.log(await deadLetters.replay(ids)) // 'replayed', each of them
await settled()
console.log(await deadLetters.replay(ids)) // 'acked': they are done
await settled()

const { redrives } = await chat.drain()
const { acked, died } = redrives ?? {}
console.log({ acked, died }, await deadLetters.counts())
await deadLetters.close()
