// Redrives the dead letters of a file until there are none to redrive; one of them kills the process that runs it.
import { setTimeout } from 'node:timers/promises'
import { pipeline } from '../../src/index.ts'
import { createSqliteDeadLetterStore } from '../../src/stores/index.ts'

const deadLetters = createSqliteDeadLetterStore({ file: process.argv[2] ?? '', maxAttempts: 2 })
const chat = pipeline<{ readonly id: string }>('chat')
  .stage(
    'inference',
    ({ id }) => {
      if (id === 'poison') process.kill(process.pid, 'SIGKILL')
      return id
    },
    { capacity: 10 },
  )
  .start({
    deadLetters,
    redrive: {
      leaseMs: 1_000,
      pollMs: 100,
      budget: { perSecond: 100 },
    },
  })
for (let open = true; open;) {
  await setTimeout(50)
  const { due, leased } = await deadLetters.counts()
  open = due + leased > 0
}
await chat.drain()
await deadLetters.close()
