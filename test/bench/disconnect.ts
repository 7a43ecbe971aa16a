/**
 * Lets a client leave in mid-stream, and another while its request waits, and prints after how long the model's
 * connection was seen closed and the request was out of the channel. `--json` prints the figures as JSON.
 */
import { parseArgs } from 'node:util'
import { measureDisconnect } from '../integration/disconnect.ts'

const { values } = parseArgs({ options: { json: { type: 'boolean', default: false } } })
const report = await measureDisconnect()
if (values.json) console.log(JSON.stringify(report))
else {
  const { modelClosedAfterMs, waitingGoneAfterMs } = report
  console.log(`a client left in mid-stream: the model's connection was seen closed after ${modelClosedAfterMs} ms`)
  console.log(`a client left while its request waited: counted as cancelled after ${waitingGoneAfterMs} ms`)
  console.log(modelClosedAfterMs <= 100 ? 'within the goal of 100 ms' : 'beyond the goal of 100 ms')
}
