import { IndexedHeap } from './indexed-heap.ts'
import type { Claim, Line } from './line.ts'
import { type Linked, LinkedList } from './linked-list.ts'
import { RingBuffer } from './ring-buffer.ts'

/** One item's place in the line. */
class Place<T> implements Linked {
  readonly value: T
  readonly weight: number
  readonly tenant: Tenant<T>
  readonly expiresAt: number
  next: this | undefined = undefined
  previous: this | undefined = undefined
  listed = false

  constructor(value: T, weight: number, tenant: Tenant<T>, expiresAt: number) {
    this.value = value
    this.weight = weight
    this.tenant = tenant
    this.expiresAt = expiresAt
  }
}

/** One tenant that has something waiting. */
class Tenant<T> implements Linked {
  readonly name: string
  readonly share: number
  readonly line = new RingBuffer<Place<T>>()
  /** Units that wait. */
  load = 0
  /** Units that it may still start before it is another's turn. */
  deficit = 0
  heapIndex = -1
  next: this | undefined = undefined
  previous: this | undefined = undefined
  listed = false

  constructor({ tenant, share }: Claim) {
    this.name = tenant
    this.share = share
  }
}

/**
 * The line of a channel that tenants share. They start by deficit round robin: in each round a tenant may start units in
 * proportion to its share, first come, first served. When there is no room, the newest item of the tenant gives way that
 * takes up the most for its share; so who keeps within its share is never shed because of another's flood.
 *
 * Adding and taking cost O(log n) for n tenants that have something waiting; nothing is kept of the others.
 *
 * @see M. Shreedhar, G. Varghese: Efficient Fair Queueing Using Deficit Round Robin, SIGCOMM 1995
 * @see P. McKenney: Stochastic Fairness Queueing, INFOCOM 1990, section 4: the longest queue gives way
 */
export class FairLine<T> implements Line<T> {
  private readonly tenants = new Map<string, Tenant<T>>()
  /** Whose turn it is, and who comes after. */
  private readonly turns = new LinkedList<Tenant<T>>()
  private readonly byExcess = new IndexedHeap<'heapIndex', Tenant<T>>('heapIndex', (a, b) => excess(a) > excess(b))
  /** All, the oldest first, which is also the order in which they expire. */
  private readonly byAge = new LinkedList<Place<T>>()
  /** What was put back does not expire and comes before it. */
  private firstToExpire: Place<T> | undefined
  private units = 0
  /** What a share of 1 may start in a round: as much as the heaviest item so far, so that each has its turn in every one. */
  private quantum = 1

  get length(): number {
    return this.byAge.size
  }

  get startable(): number {
    return this.byAge.size
  }

  get load(): number {
    return this.units
  }

  get nextExpiry(): number {
    return this.firstToExpire?.expiresAt ?? Infinity
  }

  push(value: T, weight: number, claim: Claim, expiresAt: number): void {
    const place = this.enter(value, weight, claim, expiresAt)
    place.tenant.line.push(place)
    this.byAge.add(place)
    this.firstToExpire ??= place
  }

  unshift(value: T, weight: number, claim: Claim): void {
    const place = this.enter(value, weight, claim, Infinity)
    place.tenant.line.unshift(place)
    this.byAge.addFirst(place)
  }

  shift(): T | undefined {
    for (let tenant = this.turns.first; tenant !== undefined; tenant = this.turns.first) {
      const place = tenant.line.at(0) as Place<T>
      if (place.weight <= tenant.deficit) {
        tenant.deficit -= place.weight
        this.leave(place, 0)
        return place.value
      }
      this.turns.delete(tenant)
      tenant.deficit += this.quantum * tenant.share
      this.turns.add(tenant)
    }
    return undefined
  }

  free(): void {
    // None is held.
  }

  takeExpired(now: number): T | undefined {
    const place = this.firstToExpire
    if (place === undefined || place.expiresAt > now) return undefined
    this.leave(place, place.tenant.line.indexOf(place))
    return place.value
  }

  remove(value: T): boolean {
    for (let place = this.byAge.first; place !== undefined; place = place.next) {
      if (place.value !== value) continue
      this.leave(place, place.tenant.line.indexOf(place))
      return true
    }
    return false
  }

  canGiveWay(weight: number, claim: Claim, capacity: number): boolean {
    return this.planFor(claim, weight, capacity).length > 0
  }

  giveWay(weight: number, claim: Claim, capacity: number): readonly T[] {
    const plan = this.planFor(claim, weight, capacity)
    for (const place of plan) this.leave(place, place.tenant.line.indexOf(place))
    return plan.map((place) => place.value)
  }

  /** What gives way to a newcomer: as much as it needs, or nothing where that would be of its own or of who has less. */
  private planFor({ tenant, share }: Claim, weight: number, capacity: number): readonly Place<T>[] {
    const own = this.tenants.get(tenant)
    const most = ((own?.load ?? 0) + weight) / (own?.share ?? share)
    const first = this.byExcess.first
    const last = first?.line.at(first.line.length - 1)
    if (first === undefined || last === undefined || excess(first) <= most) return []
    // Above a capacity that was lowered it has a place if the line does not become longer by it.
    const room = Math.max(capacity, this.units)
    if (this.units + weight - last.weight <= room) return [last]
    return this.severalFor(weight, most, room)
  }

  private severalFor(weight: number, most: number, room: number): readonly Place<T>[] {
    const plan: Place<T>[] = []
    const left = new Map(
      [...this.tenants.values()].map((tenant) => [tenant, { load: tenant.load, count: tenant.line.length }]),
    )
    for (let units = this.units + weight; units > room;) {
      let worst: Tenant<T> | undefined
      let worstExcess = most
      for (const [tenant, { load }] of left) {
        if (load / tenant.share <= worstExcess) continue
        worst = tenant
        worstExcess = load / tenant.share
      }
      const of = worst && left.get(worst)
      if (worst === undefined || of === undefined) return []
      of.count -= 1
      const place = worst.line.at(of.count) as Place<T>
      of.load -= place.weight
      units -= place.weight
      plan.push(place)
    }
    return plan
  }

  private enter(value: T, weight: number, claim: Claim, expiresAt: number): Place<T> {
    let tenant = this.tenants.get(claim.tenant)
    if (tenant === undefined) {
      tenant = new Tenant(claim)
      this.tenants.set(claim.tenant, tenant)
      this.turns.add(tenant)
    }
    if (weight > this.quantum) this.quantum = weight
    this.carry(tenant, weight)
    return new Place(value, weight, tenant, expiresAt)
  }

  private leave(place: Place<T>, index: number): void {
    const { tenant, weight } = place
    if (place === this.firstToExpire) this.firstToExpire = place.next
    this.byAge.delete(place)
    tenant.line.removeAt(index)
    this.carry(tenant, -weight)
    if (tenant.line.length > 0) return
    this.tenants.delete(tenant.name)
    this.turns.delete(tenant)
    this.byExcess.delete(tenant)
    // Fractions leave a rest; an empty line must not.
    if (this.byAge.size === 0) this.units = 0
  }

  private carry(tenant: Tenant<T>, weight: number): void {
    this.units += weight
    this.byExcess.delete(tenant)
    tenant.load += weight
    this.byExcess.add(tenant)
  }
}

function excess<T>({ load, share }: Tenant<T>): number {
  return load / share
}
