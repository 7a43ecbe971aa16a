import { messageOf } from '../../operators/index.ts'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { packageFolder } from './package-folder.ts'
import { createDeadLettersCommand } from './dead-letters/command.ts'
import { createIngestCommand } from './ingest-command.ts'
import { createServeCommand } from './serve-command.ts'
import { createSimulateCommand } from './simulate-command.ts'

const { version, description } = JSON.parse(readFileSync(join(packageFolder(), 'package.json'), 'utf8')) as {
  readonly version: string
  readonly description: string
}

function fail(error: unknown): never {
  // What the user can mend is a sentence; where the sentence does not say enough, `cause` is what lies beneath.
  console.error(`error: ${messageOf(error)}`)
  process.exit(1)
}

await new Command('spillway')
  .description(description)
  .version(version)
  .addCommand(createServeCommand(fail))
  .addCommand(createIngestCommand(fail))
  .addCommand(createDeadLettersCommand(fail))
  .addCommand(createSimulateCommand(fail))
  .parseAsync()
