// A stage within your own XState machine, whose crash is a transition of yours; and machines of your own as children
// of a supervisor, which starts them again and has them stop in their order.
import { fromStage, StageCrash, supervise } from 'spillway/actors'
import { Channel } from 'spillway/operators'
import { createActor, fromPromise, sendTo, setup, toPromise } from 'xstate'

const pages = new Channel<string>({ capacity: 10 })

const print = fromStage(
  (page: string) => {
    if (page === 'crumpled') throw new StageCrash('paper jam')
    return `printed ${page}`
  },
  {
    channel: pages,
    onValue: (line) => {
      console.log(line)
      if (line === 'printed page 2') root.send({ type: 'stop' })
    },
  },
)

const printer = setup({ actors: { print } }).createMachine({
  initial: 'printing',
  states: {
    printing: {
      invoke: { id: 'print', src: 'print', onError: 'jammed', onDone: 'off' },
      on: { stop: { actions: sendTo('print', { type: 'drain' }) } },
    },
    jammed: { entry: () => console.log('jammed'), after: { 20: 'printing' }, on: { stop: 'off' } },
    off: { type: 'final' },
  },
})

let attempts = 0
const heat = fromPromise(() => (++attempts === 1 ? Promise.reject(new Error('a fuse blew')) : Promise.resolve()))
const heater = setup({ actors: { heat } }).createMachine({
  initial: 'heating', // whose failure nothing here handles, so that it is this machine's own
  states: {
    heating: { invoke: { src: 'heat', onDone: 'hot' }, on: { stop: 'off' } },
    hot: { on: { stop: 'off' } },
    off: { type: 'final' },
  },
})

const machines = [
  { id: 'heater', start: heater },
  { id: 'printer', start: printer },
]
const root = createActor(supervise(machines, { backoff: () => 5 }))
for (const type of ['crashed', 'restarted', 'stopped'] as const) root.on(type, ({ id }) => console.log(id, type))
root.start()
for (const page of ['page 1', 'crumpled', 'page 2']) pages.offer(page)
await toPromise(root)
