import { Command } from 'commander'
import { SpillwayError } from '../../operators/index.ts'
import { documentOptions } from './document-settings.ts'
import { keptLettersOptions } from './kept-letters.ts'
import { keptSessionsOptions } from './kept-sessions.ts'
import { limitsHelp } from './limit-settings.ts'
import { redactionKinds } from '../redaction/redaction-options.ts'
import { serve } from './serve.ts'
import { logLevels, type ServeArguments, type ServeSettings, serveSettings } from './serve-settings.ts'

/**
 * `spillway serve`: the server of the five-stage pipeline.
 *
 * @param fail Told what is wrong with the command line, or why the server cannot start; does not return.
 */
export function createServeCommand(fail: (error: unknown) => never): Command {
  // Commander keeps one value for `--docs` and `--no-docs`, that of the last one.
  const docs: string[] = []
  let noDocs = false
  const command = new Command('serve')
    .description("serve the chat pipeline over HTTP, to any client that speaks OpenAI's API")
    .option(
      '--host <address>',
      'where to listen; not a loopback address only with SPILLWAY_API_KEY (default: 127.0.0.1)',
    )
    .option('--port <number>', 'port to listen on, 0 for any that is free (default: PORT, or 8080)')
    .option('--data-dir <folder>', 'where state is kept (default: .spillway)')
    .option('--docs <paths...>', "files and folders to retrieve from (default: the project's own documents)")
    .option('--no-docs', 'retrieve nothing')
    .option(
      '--template <file>',
      'Jinja template of the system message, followed while the server runs (default: built in)',
    )
    .option(
      '--max-prompt-tokens <number>',
      "weak passages and old messages beyond it are left out (default: what the model's window leaves, if it is known)",
    )
    .option('--watch-docs', 'follow changes of the documents while the server runs')
    .option('--model <name>', 'model to ask at OPENAI_BASE_URL (default: all that it has)')
    .option('--embedding-model <name>', 'finds passages by meaning too, by this model (default: by words alone)')
    .option(
      '--echo-delay-ms <ms>',
      'how long the echo model takes to an answer, which comes word by word meanwhile (default: 0)',
    )
    .option('--inference-concurrency <number>', 'answers that the model gives at once, 1 or more (default: 16)')
    .option('--inference-timeout-ms <ms>', 'how long the model may take to its first words (default: 60000)')
    .option('--filter-words <file>', 'words that no answer may hold, in any case; the form is below')
    .option('--filter-patterns <file>', 'regular expressions that no answer may match; the form is below')
    .option('--filter-action <action>', '"mask" or "remove" what is found, or "end" the answer there (default: mask)')
    .option(
      '--filter-max-match-chars <number>',
      'text that a pattern is given to match, and again to match more; so much is held back (default: 256)',
    )
    .option('--scale <factor>', 'multiplies the capacity of every channel (default: 1)')
    .option(
      '--admission <where>',
      '"door": refuse before any work is done; "stage": each channel decides (default: door)',
    )
    .option('--deadline-ms <ms>', 'ends requests that are not answered in time (default: none)')
    .option('--drain-timeout-ms <ms>', 'how long requests may still take when the server is stopped (default: 30000)')
    .option('--log-level <level>', `${logLevels.join(', ')}; JSON lines on standard error (default: info)`)
    .option(
      '--redact <mode>',
      'what becomes of personal data in answers and the log: mask, remove, hash or off (default: off)',
    )
    .option('--redact-kinds <list>', `which: ${redactionKinds.join(',')} (default: all)`)
    .option(
      '--limit <name=value...>',
      'what a client may ask of the server, e.g. bodyBytes=2097152; the names and what holds otherwise are below',
    )
    .option(
      '--tls-cert <file>',
      'certificate in PEM, with those that lead to its authority: serve by TLS (with --tls-key)',
    )
    .option('--tls-key <file>', 'its private key in PEM; SIGHUP reads both again')
    .option('--cors-origin <origins...>', 'origins whose pages may call, or "*" for all (default: none)')
    .option(
      '--allowed-host <names...>',
      'names it may be called by where SPILLWAY_API_KEY is not set, or "*" for all (default: addresses and localhost)',
    )
    .addHelpText('after', `${filtersHelp}\n${limitsHelp}\n${environmentHelp}`)
    .on('option:docs', (path: string) => docs.push(path))
    .on('option:no-docs', () => {
      noDocs = true
    })
    .action(async (given: ServeArguments) => {
      let settings: ServeSettings
      try {
        settings = serveSettings({ ...given, docs: docs.length === 0 ? undefined : docs, noDocs }, process.env)
      } catch (error) {
        return fail(error)
      }
      try {
        process.exitCode = await serve(settings)
      } catch (error) {
        // Anything else is a fault of ours, and its stack trace is worth more than a sentence.
        if (error instanceof SpillwayError || (error instanceof Error && error.constructor === Error)) fail(error)
        throw error
      }
    })
  for (const [flags, description] of [...documentOptions, ...keptLettersOptions, ...keptSessionsOptions])
    command.option(flags, description)
  return command
}

const filtersHelp = `
Files of words and patterns are text in UTF-8 with one in a line. Blank lines, and lines that begin with #, are left
out; a word or pattern that begins with # is written \\#. White space around one does not count. Words are found whole
and in any case; patterns are regular expressions in RE2's syntax, in which case counts unless they begin with (?i).`

const environmentHelp = `
Environment:
  OPENAI_BASE_URL      where the model is, e.g. http://127.0.0.1:11434/v1; without it the built-in model "echo"
                       answers, with the prompt that was assembled
  OPENAI_API_KEY       the key that is shown there
  EMBEDDING_BASE_URL   where the model of --embedding-model is, and EMBEDDING_API_KEY its key (default: those
                       above)
  SPILLWAY_API_KEY     the bearer token that this server asks for, on every route but health; several of which
                       each will do are separated by commas; empty is as if it were not set
  SPILLWAY_REDACT_KEY  the secret that --redact hash makes digests with, 16 characters or more; without it they
                       are others after each start
  REDIS_URL            where dead letters and sessions are kept, e.g. redis://127.0.0.1:6379, several nodes of a cluster separated by
                       commas (default: the data folder, which also has new dead letters while Redis is away)
  SPILLWAY_ENCRYPTION_KEY  encrypts what is kept: 32 bytes in hex or base64; of several, separated by commas, the
                       first one encrypts, all decrypt (default: it can be read)
  PORT                 as --port

SIGTERM and SIGINT let the requests in flight finish; a second one stops at once, but the same one within a second
counts as the first, because npm passes on what the terminal has sent already. The exit code is 0 when all were
finished.`
