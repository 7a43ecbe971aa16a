/**
 * The work of the five stages, the same in every contender: what the tokio reference does to the strings of
 * a request (`tokio-seda/src/main.rs`), stage by stage.
 */

/** What is asked: the reference's `Request`. */
export interface BenchRequest {
  readonly session: string
  readonly input: string
  /** Far away: it is there to be watched, not to pass. */
  readonly deadlineMs: number
}

export interface Retrieved {
  readonly request: BenchRequest
  readonly context: string
}

export interface Assembled {
  readonly session: string
  readonly prompt: string
}

export interface Inferred {
  readonly session: string
  readonly tokens: readonly string[]
}

export interface Answer {
  readonly session: string
  readonly text: string
}

export function createRequest(id: number): BenchRequest {
  return { session: `s-${id % 64}`, input: `Benchmark prompt number ${id}`, deadlineMs: 60_000 }
}

export function rag(request: BenchRequest): Retrieved {
  return { request, context: `CONTEXT: Retrieved documents for '${request.input}'` }
}

export function assemble({ request, context }: Retrieved): Assembled {
  return { session: request.session, prompt: `${context}\n\nUser Query: ${request.input}\n\nAssistant:` }
}

export function inference({ session, prompt }: Assembled): Inferred {
  return { session, tokens: prompt.match(/\S+/g) ?? [] }
}

export function post({ session, tokens }: Inferred): Answer {
  return { session, text: tokens.join(' ') }
}

export function stream(answer: Answer): Answer {
  return answer
}

/** What must come out, written down apart from the stages. */
export function expectedText(id: number): string {
  const input = `Benchmark prompt number ${id}`
  return `CONTEXT: Retrieved documents for '${input}' User Query: ${input} Assistant:`
}
