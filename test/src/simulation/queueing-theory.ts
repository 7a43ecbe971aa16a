/** What of those who come is lost, and how long the others wait on average, in the mean service time. */
export interface Theory {
  readonly loss: number
  readonly wait: number
}

/**
 * M/M/c/K: Poisson arrivals, exponential service, `servers` of them, `places` for all that wait and are served.
 *
 * @param load Arrivals in the time that the servers together need for one.
 * @see L. Kleinrock: Queueing Systems, volume 1, 1975, section 3.6
 */
export function mmck(load: number, servers: number, places: number): Theory {
  const offered = load * servers
  const weights = [1]
  for (let n = 1; n <= places; n++) weights.push(((weights[n - 1] as number) * offered) / Math.min(n, servers))
  const total = weights.reduce((sum, weight) => sum + weight)
  const chances = weights.map((weight) => weight / total)
  const loss = chances[places] as number
  const waiting = chances.reduce((sum, chance, n) => sum + Math.max(0, n - servers) * chance, 0)
  return { loss, wait: waiting / (offered * (1 - loss)) }
}

/**
 * M/D/1/K: Poisson arrivals, constant service, one server, `places` for what waits and is served, by the chain of what
 * departures leave behind.
 *
 * @see D. Gross, C. Harris: Fundamentals of Queueing Theory, section 5.1.8
 */
export function md1k(load: number, places: number): Theory {
  const arrivals = [Math.exp(-load)]
  for (let n = 1; n <= places; n++) arrivals.push(((arrivals[n - 1] as number) * load) / n)
  const a = (n: number): number => arrivals[n] as number
  // left[n]: how often a departure leaves n behind, but for a factor.
  const left = [1]
  for (let n = 0; n < places - 1; n++) {
    let sum = (left[n] as number) - a(n) * (left[0] as number)
    for (let from = 1; from <= n; from++) sum -= a(n - from + 1) * (left[from] as number)
    left.push(sum / a(0))
  }
  const total = left.reduce((sum, weight) => sum + weight)
  const atDeparture = left.map((weight) => weight / total)
  const busy = (atDeparture[0] as number) + load
  const loss = 1 - 1 / busy
  const inSystem = atDeparture.reduce((sum, chance, n) => sum + (n * chance) / busy, places * loss)
  return { loss, wait: inSystem / (load * (1 - loss)) - 1 }
}

/** M/D/1: the same without a limit, for loads below 1. @see the Pollaczek–Khinchine formula */
export function md1(load: number): Theory {
  return { loss: 0, wait: load / (2 * (1 - load)) }
}
