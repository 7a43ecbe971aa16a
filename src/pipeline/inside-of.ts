import type { Carrier } from './carrier.ts'
import type { Running } from './running.ts'
import type { Runtime } from './runtime.ts'

/** What is beneath a running pipeline's face, for who checks its books. */
export function insideOf(running: Pick<Running<never, unknown>, 'name'>): Carrier {
  return (running as unknown as Runtime)['carrier']
}
