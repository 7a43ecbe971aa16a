import { isUtf8 } from 'node:buffer'
import { readFileSync, statSync, watch } from 'node:fs'
import { dirname, resolve } from 'node:path'
import {
  checkClock,
  checkInteger,
  checkKeys,
  checkText,
  type Clock,
  systemClock,
  messageOf,
} from '../../operators/index.ts'
import { type Logger, silentLogger } from '../logger.ts'
import { checkLimits, createTemplate, limitKeys, type PromptTemplate } from './prompt-template.ts'
import type { TemplateLimits } from './sandbox-budget.ts'
import { TemplateError } from './template-error.ts'

/** Which file holds the template, and how it is followed. */
export interface TemplateFileOptions extends TemplateLimits {
  readonly path: string
  /** Told when a version has been taken over, or refused and why; default: nobody. */
  readonly logger?: Logger
  /** Milliseconds of quiet after a change before the file is read, 1 or more; default 100. */
  readonly settleMs?: number
  readonly clock?: Clock
}

/** A template that follows a file. */
export interface TemplateFile extends PromptTemplate {
  /** Stops following the file; calling it again does nothing. The last version stays. */
  close(): void
}

/**
 * A template that is read from a file, and again whenever the file has changed.
 *
 * The file's folder is watched, because editors and deployments put a new file, or a new link, in the place of the
 * old one. A change is read when the folder has been quiet for `settleMs`, and again later if the file changed while
 * it was read, so that half a file is not taken for a whole one. A version that is empty, missing, unreadable or no
 * valid template is refused: the logger is told, and the one before stays.
 *
 * @example
 * ```ts
 * const template = createTemplateFile({ path: './prompt.jinja', logger })
 * const running = chatPipeline({ worker, template }).start()
 * ```
 *
 * @throws TemplateError saying what is wrong with the file; TypeError or RangeError naming the option that is wrong.
 */
export function createTemplateFile(options: TemplateFileOptions): TemplateFile {
  checkKeys('createTemplateFile', options, ['path', 'logger', 'settleMs', 'clock', ...limitKeys])
  const { logger = silentLogger, settleMs = 100, clock = systemClock } = options
  const path = resolve(checkText('path', options.path))
  checkInteger('settleMs', settleMs, { min: 1 })
  checkClock('clock', clock)
  const limits = checkLimits(options)

  const template = templateOf(path, read(path), limits)
  // Watching must not keep a process alive that has nothing else to do.
  const watcher = watch(dirname(path), { persistent: false }, changed)
  watcher.on('error', (error) => {
    logger.warn({ template: path, error: messageOf(error) }, 'the template is no longer followed')
  })
  let timer: unknown
  let closed = false
  /** Said once, however often something else happens in the folder. */
  let complaint: string | undefined
  // What was written between the first look and the watch.
  changed()

  return {
    get current() {
      return template.current
    },
    replace: (text) => {
      template.replace(text)
    },
    close: () => {
      closed = true
      clock.clearTimeout(timer)
      watcher.close()
    },
  }

  function changed(): void {
    if (closed) return
    clock.clearTimeout(timer)
    timer = clock.setTimeout(follow, settleMs)
  }

  function follow(): void {
    try {
      const before = stamp(path)
      const text = read(path)
      if (stamp(path) !== before) {
        changed()
        return
      }
      if (text !== template.current.text) {
        template.replace(text)
        logger.info({ template: path, chars: text.length }, 'a new version of the template has been taken over')
      }
      complaint = undefined
    } catch (error) {
      const problem = messageOf(error)
      if (problem === complaint) return
      complaint = problem
      logger.warn({ template: path, error: problem }, 'the template is refused; the version before stays')
    }
  }
}

function templateOf(path: string, text: string, limits: Required<TemplateLimits>): PromptTemplate {
  try {
    return createTemplate({ text, ...limits })
  } catch (error) {
    throw new TemplateError(`${path}: ${messageOf(error)}`, { cause: error })
  }
}

/** Tells a file from what it was before; `undefined` where there is none. */
function stamp(path: string): string | undefined {
  const stats = statSync(path, { throwIfNoEntry: false })
  return stats && `${stats.ino} ${stats.size} ${stats.mtimeMs}`
}

/** More than a template may have, in bytes: nothing larger is read. */
const maxBytes = 1_000_000

function read(path: string): string {
  let bytes: ReturnType<typeof readFileSync>
  try {
    const stats = statSync(path)
    if (!stats.isFile()) throw new TemplateError(`${path} is not a file; it must hold a Jinja template`)
    if (stats.size > maxBytes) {
      throw new TemplateError(`${path} must have at most ${maxBytes} bytes, got ${stats.size}`)
    }
    bytes = readFileSync(path)
  } catch (error) {
    if (error instanceof TemplateError) throw error
    const { code = messageOf(error) } = error as NodeJS.ErrnoException
    throw new TemplateError(`${path} cannot be read (${code}); name a file that holds a Jinja template`, {
      cause: error,
    })
  }
  if (!isUtf8(bytes)) throw new TemplateError(`${path} is not text in UTF-8; it must hold a Jinja template`)
  const text = bytes.toString('utf8')
  // An editor's first step is often to empty the file.
  if (text.trim() === '') throw new TemplateError(`${path} is empty; it must hold a Jinja template`)
  return text
}
