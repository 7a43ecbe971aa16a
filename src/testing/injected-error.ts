/** What a scenario's faults throw and reject with. */
export class InjectedError extends Error {
  override readonly name = 'InjectedError'
}
