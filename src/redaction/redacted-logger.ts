import type { Logger } from '../logger.ts'
import { redactFields } from './redact-fields.ts'
import type { RedactionCounter, Redactor } from './redactor.ts'

/**
 * A logger that takes personal data out of messages and fields before it passes them on.
 *
 * @param count Told of each entity, beside what is written.
 *
 * @example
 * ```ts
 * chat.start({ logger: redactedLogger(pino(), redactor({ mode: 'hash' })) })
 * ```
 */
export function redactedLogger(logger: Logger, redactor: Redactor, count?: RedactionCounter): Logger {
  const text = (message: string): string => redactor.redact(message, count)
  const write =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (fields: object, message?: string): void => {
      logger[level](redactFields(fields, text), message === undefined ? undefined : text(message))
    }
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: (fields) => redactedLogger(logger.child(redactFields(fields, text)), redactor, count),
  }
}
