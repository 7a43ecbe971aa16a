import { open } from 'node:fs/promises'
import { Command } from 'commander'
import { checkText, SpillwayError, systemClock } from '../../../operators/index.ts'
import { fileFault } from '../../retrieval/file-fault.ts'
import { keptEntriesOption } from '../kept-letters.ts'
import { changeLetters, type LetterChange, rehearseChange } from './change-letters.ts'
import { exportLetters } from './export-letters.ts'
import { importLetters } from './import-letters.ts'
import { filterOptions } from './letter-filter.ts'
import { listLetters } from './list-letters.ts'
import { atDesk, type OpenedDesk } from './open-desk.ts'
import { intoFile, OutputClosed } from './output.ts'
import { chosenLetters, filterOrAll, type LetterArguments, letterSettings, listLimit } from './settings.ts'
import { showLetter } from './show-letter.ts'
import { textLines } from './text-lines.ts'

type Fail = (error: unknown) => never

/** Checks what a command was given, and says what it then does at the desk. */
type Plan = (now: number) => (desk: OpenedDesk) => Promise<number>

/**
 * `spillway dead-letters`: the requests that were not answered, to look at and to run again.
 *
 * @param fail Told what is wrong with the command line or the store; does not return.
 */
export function createDeadLettersCommand(fail: Fail): Command {
  return new Command('dead-letters')
    .description('look at the requests that were not answered, run them again, delete, export and import them')
    .addCommand(listCommand(fail))
    .addCommand(showCommand(fail))
    .addCommand(
      changeCommand(
        fail,
        'replay',
        'make them due now: a server without --no-redrive runs them again, dead ones with all their attempts',
      ),
    )
    .addCommand(changeCommand(fail, 'purge', 'delete them, whatever their state'))
    .addCommand(exportCommand(fail))
    .addCommand(importCommand(fail))
    .addHelpText('after', storesHelp)
}

function listCommand(fail: Fail): Command {
  return filtered('list', 'list them, oldest submission first')
    .option('--limit <number>', 'so many at the most (default: all)')
    .option('--json', 'a line of JSON for each, without its request')
    .action(async (given: LetterArguments) => {
      await run(fail, given, false, (now) => {
        const [filter, limit] = [filterOrAll(given, now), listLimit(given)]
        return async (desk) => {
          await listLetters(desk, filter, limit)
          return 0
        }
      })
    })
}

function showCommand(fail: Fail): Command {
  return common('show', 'show one with its request, and what its redrive gave where that is kept')
    .argument('<id>', 'its id, as list says it')
    .option('--json', 'as one line of JSON')
    .action(async (id: string, given: LetterArguments) => {
      await run(fail, given, false, () => {
        checkText('ID', id)
        return (desk) => showLetter(desk, id, desk.answerOf(id))
      })
    })
}

function changeCommand(fail: Fail, change: LetterChange, description: string): Command {
  return filtered(change, description)
    .argument('[ids...]', 'their ids, as list says them; or a filter, or --all')
    .option('--all', 'all that there are')
    .option('--dry-run', 'only show which')
    .option('--json', 'a line of JSON for each')
    .action(async (ids: readonly string[], given: LetterArguments) => {
      await run(fail, given, false, (now) => {
        const chosen = chosenLetters(change, ids, given, now)
        if (given.dryRun === true) return (desk) => rehearseChange(desk, change, chosen)
        const work = (desk: OpenedDesk): Promise<number> => changeLetters(desk, change, chosen)
        return change === 'purge' && given.all === true ? ofAll(work) : work
      })
    })
}

function exportCommand(fail: Fail): Command {
  return filtered('export', 'write them as lines of JSON, with their requests')
    .option('--output <file>', 'a new file, which only you may read (default: standard output)')
    .action(async (given: LetterArguments) => {
      await run(fail, given, false, (now) => {
        const filter = filterOrAll(given, now)
        const { output } = given
        if (output === undefined) return ofAll((desk) => exportLetters(desk, filter, desk.print))
        checkText('--output', output)
        return ofAll((desk) => intoFile('--output', output, (print) => exportLetters(desk, filter, print)))
      })
    })
}

function importCommand(fail: Fail): Command {
  return common('import', 'put the entries of an export into the store: dead ones stay dead, all others are due')
    .argument('<file>', 'lines of JSON, as export writes them; - for standard input')
    .option(...keptEntriesOption)
    .option('--json', 'print the sum as JSON')
    .action(async (file: string, given: LetterArguments) => {
      await run(fail, given, true, () => {
        checkText('FILE', file)
        return async (desk) => {
          if (file === '-') return importLetters(desk, 'standard input', textLines(process.stdin))
          const handle = await open(file).catch((error: unknown) => {
            throw new Error(`${file}: ${fileFault(error)}`, { cause: error })
          })
          return importLetters(desk, file, textLines(handle.createReadStream()))
        }
      })
    })
}

/** What is to be done to all: not done as long as there may be some that the store does not have yet. */
function ofAll(work: (desk: OpenedDesk) => Promise<number>): (desk: OpenedDesk) => Promise<number> {
  return async (desk) => {
    const code = await work(desk)
    return desk.isPartial ? 1 : code
  }
}

function filtered(name: string, description: string): Command {
  const command = common(name, description)
  for (const [flags, text] of filterOptions) command.option(flags, text)
  return command
}

function common(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option('--data-dir <folder>', 'where state is kept (default: .spillway)')
}

async function run(fail: Fail, given: LetterArguments, create: boolean, plan: Plan): Promise<void> {
  let settings: ReturnType<typeof letterSettings>
  let work: ReturnType<Plan>
  try {
    settings = letterSettings(given, process.env)
    work = plan(systemClock.wallTime())
  } catch (error) {
    return fail(error)
  }
  try {
    process.exitCode = await atDesk(settings, create, work)
  } catch (error) {
    if (error instanceof OutputClosed) {
      process.exitCode = 1
      return
    }
    // Anything else is a fault of ours, and its stack trace is worth more than a sentence.
    if (error instanceof SpillwayError || (error instanceof Error && error.constructor === Error)) fail(error)
    throw error
  }
}

const storesHelp = `
They are those of a server with the same --data-dir, or of all that share a Redis.

Environment:
  REDIS_URL                where the Redis is that keeps them, e.g. redis://127.0.0.1:6379 (default: the data folder)
  SPILLWAY_ENCRYPTION_KEY  what they are encrypted with, as the server has it

Data goes to standard output, all else to standard error. The exit code is 0 when all was done that was asked.`
