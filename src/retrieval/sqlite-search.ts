import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import { distinctPassages, type FoundPassage } from './distinct-passages.ts'
import { type Fused, fuseRankings } from './fuse-rankings.ts'
import { entryBudget, rarestTerms } from './rarest-terms.ts'
import type { DocumentMetadata, Passage, SearchFilter } from './retriever.ts'

/** A search as it is handed to a connection, in another thread or in this one. */
export interface SqliteQuery {
  readonly terms: readonly string[]
  readonly topK: number
  readonly filter: SearchFilter | undefined
  /** The question's vector and the model that made it; `undefined` for a search by words alone. */
  readonly embedding: { readonly model: string; readonly vector: Float32Array } | undefined
}

/** Passages of one ranking for each that is asked for: neighbours and repetitions leave room for others. */
const candidatesPerPassage = 3
const leastCandidates = 30

/** JSON of the filter's values as JSON: `->` gives a document's value as JSON, so that `1`, `"1"` and `true` differ. */
const fits = `IN (
  SELECT id FROM documents WHERE NOT EXISTS (
    SELECT 1 FROM json_each(?) AS wanted WHERE NOT EXISTS (
      SELECT 1 FROM json_each(wanted.value) AS allowed WHERE allowed.value = documents.metadata -> wanted.key
    )
  )
)`

/** A word counts three times in the document's name and four times in the headings what it counts in the text. */
const byWords = (filter: string): string => `
  SELECT rowid AS id, -bm25(words, 3.0, 4.0, 1.0) AS score FROM words
  WHERE words MATCH ? ${filter && `AND (SELECT document FROM passages WHERE id = words.rowid) ${filter}`}
  ORDER BY score DESC, rowid LIMIT ?
`

const byVectors = (filter: string): string => `
  SELECT passage AS id FROM vectors ${filter && `WHERE document ${filter}`}
  ORDER BY vec_distance_cosine(vector, ?), passage LIMIT ?
`

/** Which model and how many bytes: the same for all vectors of an index. */
export const firstVector = `
  SELECT documents.model, length(vectors.vector) AS bytes FROM vectors
  JOIN documents ON documents.id = vectors.document LIMIT 1
`

/**
 * Prepares searching on a connection. What is given searches on the calling thread.
 *
 * @param withVectors Whether the connection has sqlite-vec.
 * @param budget How many entries of the full-text index one search may walk through.
 */
export function createSqliteSearch(
  database: DatabaseSync,
  withVectors: boolean,
  budget: number = entryBudget,
): (query: SqliteQuery) => readonly Passage[] {
  const countOf = createEntryCount(database)
  const words = { all: database.prepare(byWords('')), some: database.prepare(byWords(fits)) }
  const vectors = !withVectors
    ? undefined
    : {
        first: database.prepare(firstVector),
        all: database.prepare(byVectors('')),
        some: database.prepare(byVectors(fits)),
      }
  const read = database.prepare(`
    SELECT documents.source, documents.metadata, passages.document, passages.headings, passages.text
    FROM passages JOIN documents ON documents.id = passages.document WHERE passages.id = ?
  `)

  const rankedByWords = (query: SqliteQuery, limit: number): readonly { id: number; score: number }[] => {
    const terms = rarestTerms(query.terms, countOf, budget)
    if (terms.length === 0) return []
    const match = terms.map(quoted).join(' OR ')
    const { filter } = query
    const rows = filter === undefined ? words.all.all(match, limit) : words.some.all(match, inJson(filter), limit)
    return rows.map((row) => ({ id: Number(row['id']), score: Number(row['score']) }))
  }

  /** None where the index has no vectors that the question's can be compared with. */
  const rankedByVectors = ({ embedding, filter }: SqliteQuery, limit: number): readonly number[] | undefined => {
    if (vectors === undefined || embedding === undefined) return undefined
    const vector = bytesOf(embedding.vector)
    const first = vectors.first.get()
    if (first?.['model'] !== embedding.model || first['bytes'] !== vector.byteLength) return undefined
    const rows = filter === undefined ? vectors.all.all(vector, limit) : vectors.some.all(inJson(filter), vector, limit)
    return rows.map((row) => Number(row['id']))
  }

  const find = (query: SqliteQuery): readonly Passage[] => {
    const limit = Math.max(leastCandidates, query.topK * candidatesPerPassage)
    const lexical = rankedByWords(query, limit)
    const nearest = rankedByVectors(query, limit)
    const fused: readonly Fused[] =
      nearest === undefined
        ? lexical.map(({ id, score }, index) => ({ id, score, ranks: [index + 1] }))
        : fuseRankings([lexical.map(({ id }) => id), nearest])
    return distinctPassages(passages(fused), query.topK)
  }

  /** Read one by one: most candidates are only there in case that better ones repeat each other. */
  function* passages(fused: readonly Fused[]): Generator<FoundPassage> {
    for (const found of fused) yield passageOf(read.get(found.id) ?? {}, found)
  }

  return (query) => {
    // All that one search reads is of one state of the index, whatever is written meanwhile.
    database.exec('BEGIN')
    try {
      return find(query)
    } finally {
      database.exec('COMMIT')
    }
  }
}

/** How many passages hold a term, in any inflection; remembered until somebody has written to the index. */
function createEntryCount(database: DatabaseSync): (term: string) => number {
  const version = database.prepare('PRAGMA data_version')
  const changes = database.prepare('SELECT total_changes() AS changes')
  const count = database.prepare('SELECT count(*) AS count FROM words WHERE words MATCH ?')
  const known = new Map<string, number>()
  let knownAt = ''
  return (term) => {
    const now = `${String(version.get()?.['data_version'])} ${String(changes.get()?.['changes'])}`
    if (now !== knownAt || known.size >= mostKnown) {
      known.clear()
      knownAt = now
    }
    const before = known.get(term)
    if (before !== undefined) return before
    const counted = Number(count.get(quoted(term))?.['count'])
    known.set(term, counted)
    return counted
  }
}

const mostKnown = 10_000

/** A term as a phrase, in which nothing is syntax. */
function quoted(term: string): string {
  return `"${term}"`
}

/** A vector as SQLite keeps it. */
export function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}

function inJson(filter: SearchFilter): string {
  return JSON.stringify(
    Object.fromEntries(
      Object.entries(filter).map(([name, value]) => [name, [value].flat().map((each) => JSON.stringify(each))]),
    ),
  )
}

function passageOf(row: Record<string, SQLOutputValue>, { id, score, ranks }: Fused): FoundPassage {
  const [words, vectors] = ranks
  const metadata = String(row['metadata'])
  const passage: Passage = {
    source: String(row['source']),
    headings: JSON.parse(String(row['headings'])) as string[],
    text: String(row['text']),
    score,
    ...(metadata !== '{}' && { metadata: JSON.parse(metadata) as DocumentMetadata }),
    ranks: { ...(words !== undefined && { words }), ...(vectors !== undefined && { vectors }) },
  }
  return { passage, document: Number(row['document']), position: id }
}
