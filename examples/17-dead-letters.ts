// What a stage could not do is kept in a table of one's own, and done again later.
import { DatabaseSync } from 'node:sqlite'
import { type DeadLetterWriter, pipeline } from 'spillway'

const database = new DatabaseSync(':memory:')
database.exec('CREATE TABLE letters (id TEXT PRIMARY KEY, reason TEXT, request TEXT)')

const deadLetters: DeadLetterWriter = {
  put: async ({ submissionId, reason, request }) => {
    const insert = database.prepare('INSERT OR IGNORE INTO letters VALUES (?, ?, ?)')
    return insert.run(submissionId, reason, JSON.stringify(request)).changes === 1 ? 'stored' : 'duplicate'
  },
}

let down = true
const orders = pipeline<{ item: string }>('orders').stage(
  'ship',
  async ({ item }) => {
    if (down) throw new Error('the warehouse does not answer')
    return `shipped ${item}`
  },
  { capacity: 1, deadLetter: ['shed', 'failed'] },
)

const before = orders.start({ deadLetters })
for (const item of ['tea', 'rice', 'salt']) before.submit({ item })
await before.drain()
console.log(before.deadLetters())

down = false
const after = orders.start({ deadLetters })
for (const { id, reason, request } of database.prepare('SELECT * FROM letters').all()) {
  const outcome = await after.submit(JSON.parse(String(request)) as { item: string }).outcome
  console.log(reason, '->', outcome.kind === 'completed' ? outcome.value : outcome.kind)
  if (outcome.kind === 'completed') database.prepare('DELETE FROM letters WHERE id = ?').run(id ?? null)
}
await after.drain()
