import type { Logger } from '../../../src/index.ts'

export type LogLine = Record<string, unknown> & { readonly level: string; readonly message: string | undefined }

/** A logger that keeps its lines. */
export function bookkeeper(): { readonly lines: LogLine[]; readonly logger: Logger } {
  const lines: LogLine[] = []
  const create = (bound: object): Logger => {
    const write = (level: string) => (fields: object, message?: string) => {
      lines.push({ ...bound, ...fields, level, message })
    }
    return {
      debug: write('debug'),
      info: write('info'),
      warn: write('warn'),
      error: write('error'),
      child: (fields) => create({ ...bound, ...fields }),
    }
  }
  return { lines, logger: create({}) }
}
