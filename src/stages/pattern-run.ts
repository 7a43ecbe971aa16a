import { conditionsBetween, everyCondition, kinds, noRune, type PatternProgram } from './pattern-program.ts'

/** After so many units without a match the way of an attempt is kept: most attempts end long before. */
const keptFrom = 16

/** What a stretch of an attempt without a match has shown: from its threads on, no match is complete before `end`. */
interface Failure {
  /** Where it ended, -1 while it is under way; and with which threads, none where it ended by itself. */
  end: number
  threads: Int32Array
}

/** The threads that an attempt had at a position. */
interface Trace {
  readonly position: number
  readonly threads: Int32Array
  readonly failure: Failure
}

/**
 * One attempt after the other to match a program from one position of a text on, a character at a time.
 *
 * The threads of an attempt go through the text abreast, in the order of their priority, so that of several matches
 * the one is found that Perl would find, and no more than one thread is at an instruction (Pike's machine). A match
 * has at least one unit. An attempt ends where there was no match, or no longer one, for `maxMatch` units: so a match
 * may have any length, and what is undecided is never longer than that. Where there would be one there but for a
 * condition such as `\b`, which asks for what stands behind it, there is one: a key that is long must not pass because
 * its end has yet to come. An attempt that meets the threads of an
 * earlier one that came to nothing goes on where that one ended, so that patterns such as `(a+)+b`, all of whose
 * attempts go far and fail, take time in proportion to the text, too.
 *
 * @see https://swtch.com/~rsc/regexp/regexp2.html
 */
export class PatternRun {
  readonly #program: PatternProgram
  readonly #maxMatch: number
  /** The threads at the position, by priority. */
  #threads: Int32Array
  #count = 0
  #next: Int32Array
  #start = 0
  #position = 0
  #matchEnd = -1
  readonly #stack: Int32Array
  /** When an instruction was last reached. */
  readonly #reached: Uint32Array
  #step = 0
  /** By position, modulo its length. */
  readonly #traces: (Trace | undefined)[]
  #failure: Failure = noFailure()

  constructor(program: PatternProgram, maxMatch: number) {
    this.#program = program
    this.#maxMatch = maxMatch
    this.#threads = new Int32Array(program.size)
    this.#next = new Int32Array(program.size)
    this.#stack = new Int32Array(2 * program.size + 1)
    this.#reached = new Uint32Array(program.size)
    this.#traces = new Array<undefined>(maxMatch + 1)
  }

  /** Whether an attempt is under way. */
  get running(): boolean {
    return this.#count > 0
  }

  /** The position that the attempt has come to. */
  get position(): number {
    return this.#position
  }

  /** Where the match ends that the attempt has found so far, which may become longer; -1 for none. */
  get matchEnd(): number {
    return this.#matchEnd
  }

  /** Begins an attempt. */
  begin(position: number): void {
    this.#start = position
    this.#position = position
    this.#matchEnd = -1
    this.#threads[0] = this.#program.start
    this.#count = 1
    this.#failure = noFailure()
  }

  /** Takes the character at the position, `noRune` for the text's end; `before` is the unit in front of it. */
  step(before: number, rune: number): void {
    const width = rune > 0xffff ? 2 : 1
    const count = this.#advance(conditionsBetween(before, rune), rune)
    if (count === 0) {
      this.#end(0)
    } else if (this.#position + width - this.#decided <= this.#maxMatch) {
      this.#move(width, count)
    } else {
      const relaxed = this.#advance(everyCondition, rune)
      if (this.#matchEnd === this.#position) this.#move(width, relaxed)
      // The threads are kept, because a later attempt may go on with them.
      else this.#end(this.#count)
    }
  }

  /** Goes on with the threads in `#next`. */
  #move(width: number, count: number): void {
    this.#position += width
    ;[this.#threads, this.#next] = [this.#next, this.#threads]
    this.#count = count
    if (count === 0) this.#end(0)
    else this.#meet()
  }

  /** Up to here the attempt has a match. */
  get #decided(): number {
    return Math.max(this.#start, this.#matchEnd)
  }

  /** Moves the threads over the character; returns how many are left, in `#next`. */
  #advance(holding: number, rune: number): number {
    const { ops, outs, args } = this.#program
    const stack = this.#stack
    const step = ++this.#step
    let count = 0
    for (let thread = 0; thread < this.#count; thread++) {
      let depth = 0
      stack[depth++] = this.#threads[thread] as number
      while (depth > 0) {
        const pc = stack[--depth] as number
        if (this.#reached[pc] === step) continue
        this.#reached[pc] = step
        switch (ops[pc]) {
          case kinds.rune:
            if (rune !== noRune && this.#program.takes(pc, rune)) this.#next[count++] = outs[pc] as number
            break
          case kinds.match:
            // A match of nothing is none; otherwise what has a lower priority is out of the race.
            if (this.#position === this.#start) break
            this.#matchEnd = this.#position
            this.#failure = noFailure()
            return count
          case kinds.alt:
          case kinds.altMatch:
            stack[depth++] = args[pc] as number
            stack[depth++] = outs[pc] as number
            break
          case kinds.emptyWidth:
            if (((args[pc] as number) & ~holding) === 0) stack[depth++] = outs[pc] as number
            break
          case kinds.fail:
            break
          default:
            stack[depth++] = outs[pc] as number
        }
      }
    }
    return count
  }

  /** Goes on where an earlier attempt ended that had the very same threads here; otherwise leaves a trace. */
  #meet(): void {
    if (this.#position - this.#decided < keptFrom) return
    const place = this.#position % this.#traces.length
    const trace = this.#traces[place]
    if (trace?.position === this.#position && trace.failure.end >= 0 && this.#hasThreads(trace.threads)) {
      const { failure } = trace
      this.#failure = failure
      this.#position = failure.end
      this.#threads.set(failure.threads)
      this.#count = failure.threads.length
      return
    }
    this.#traces[place] = {
      position: this.#position,
      threads: this.#threads.slice(0, this.#count),
      failure: this.#failure,
    }
  }

  #hasThreads(threads: Int32Array): boolean {
    return threads.length === this.#count && threads.every((pc, index) => pc === this.#threads[index])
  }

  #end(threadsLeft: number): void {
    this.#failure.end = this.#position
    this.#failure.threads = this.#threads.slice(0, threadsLeft)
    this.#count = 0
  }
}

function noFailure(): Failure {
  return { end: -1, threads: new Int32Array() }
}
