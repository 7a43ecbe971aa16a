/** What Spillway writes its log to; a pino logger fits. The first argument holds the fields. */
export interface Logger {
  /** Writes a line that helps to find a fault. */
  debug(fields: object, message?: string): void
  /** Writes a line about the usual. */
  info(fields: object, message?: string): void
  /** Writes a line about something lost or refused. */
  warn(fields: object, message?: string): void
  /** Writes a line about something broken. */
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
