/** What Spillway writes its log to; a pino logger fits. The first argument holds the fields. */
export interface Logger {
  debug(fields: object, message?: string): void
  info(fields: object, message?: string): void
  warn(fields: object, message?: string): void
  error(fields: object, message?: string): void
  /** A logger that adds these fields to every line. */
  child(fields: object): Logger
}

const nothing = (): void => undefined

/** Writes nothing: the default, so that a library stays quiet unless it is given a logger. */
export const silentLogger: Logger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  child: () => silentLogger,
}
