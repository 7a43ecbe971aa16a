// A pipeline of two stages: submit, hear the outcome, read the ledger, drain.
import { pipeline } from 'spillway'

const shout = pipeline<{ text: string }>('shout')
  .stage('trim', (request) => request.text.trim(), { capacity: 64 })
  .stage('shout', async (text) => `${await Promise.resolve(text.toUpperCase())}!`, { capacity: 64, concurrency: 4 })

const running = shout.start()

const outcome = await running.submit({ text: '  hello ' }).outcome
switch (outcome.kind) {
  case 'completed':
    console.log(outcome.value)
    break
  case 'shed':
    console.log(`turned away by ${outcome.stage}: try again in ${outcome.retryAfterMs} ms`)
    break
  case 'failed':
    console.log(`${outcome.stage} failed`, outcome.error)
    break
  case 'expired':
  case 'cancelled':
    console.log(outcome.kind)
}

console.log(running.ledger())
console.log(await running.drain())
