// An hour of traffic in a moment: the real pipeline on the virtual clock.
import { pipeline } from 'spillway'
import { VirtualClock } from 'spillway/testing'

const clock = new VirtualClock()
const work = pipeline<number>('work').stage(
  'inference',
  (n, context) =>
    new Promise<number>((resolve) => {
      context.clock.setTimeout(() => {
        resolve(n)
      }, 1_000)
    }),
  { capacity: 32, concurrency: 4 },
)
const running = work.start({ clock })

// Four slots of one second each keep up with four requests a second; one minute in ten brings six.
for (let second = 0; second < 3_600; second++) {
  const arrivals = second % 600 < 60 ? 6 : 3
  for (let n = 0; n < arrivals; n++) running.submit(n)
  await clock.advance(1_000)
}

console.log(running.ledger())
console.log(running.stages.inference)
const drained = running.drain()
await clock.runAll()
console.log(await drained)
