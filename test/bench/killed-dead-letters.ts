/**
 * Kills processes that share a store of dead letters, in the middle of their work, and prints what became of what they
 * had been told; the exit code says whether everything was as it must be.
 *
 *     npx node --conditions=source test/bench/killed-dead-letters.ts [kills]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { killUnderLoad } from '../integration/killed-dead-letters.ts'

const kills = Number(process.argv[2] ?? 100)
const folder = mkdtempSync(join(tmpdir(), 'spillway-killed-'))
try {
  const place = { kind: 'sqlite', file: join(folder, 'letters.db') } as const
  const { acknowledged, duplicates, dead, faults } = await killUnderLoad({
    place,
    kills,
    processes: 2,
    seed: Date.now(),
  })
  console.log(`${kills} processes killed, ${acknowledged} entries acknowledged, ${faults.length} lost or done wrong`)
  console.log(`${duplicates} were run once more, ${dead} given up without a run`)
  for (const fault of faults.slice(0, 20)) console.error(fault)
  if (faults.length > 0) process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true })
}
