import { readFile } from 'node:fs/promises'
import { isMap, isNode, LineCounter, parseDocument } from 'yaml'
import { fileFault } from '../../retrieval/file-fault.ts'

/** Keys and indices from the top to a value. */
export type FilePath = readonly (string | number)[]

/** What is wrong at some place of a file. */
export interface FileFault {
  readonly path: FilePath
  /** What is wrong, as it follows the path: `must be a number, got "x"`. */
  readonly text: string
  /** Whether the key is wrong, and not its value. */
  readonly atKey?: boolean
}

/** A file of YAML 1.2 or JSON, and where in it each value stands. */
export interface PositionedFile {
  readonly value: unknown
  /** An error that tells each fault in a line, in their order in the file: `FILE:LINE:COL path: what is wrong`. */
  error(faults: readonly FileFault[]): Error
}

/**
 * Reads a file of YAML 1.2, of which JSON is a part.
 *
 * @throws Error that names the file, and the line and column of all that is not YAML.
 */
export async function readPositioned(path: string): Promise<PositionedFile> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new Error(`${path}: ${fileFault(error)}`, { cause: error })
  })
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset)
    return `${path}:${line}:${col}`
  }
  // A tag that is not known changes what a value is.
  const broken = [...document.errors, ...document.warnings]
  if (broken.length > 0) throw errorOf(broken.map(({ pos: [offset], message }) => `${at(offset)} ${message}`))

  /** Where the value begins, or the nearest one around it that is there. */
  const offsetOf = (place: FilePath, atKey: boolean): number => {
    const node = document.getIn(place, true)
    const parent = document.getIn(place.slice(0, -1), true)
    const key = isMap(parent) ? parent.items.find((pair) => nameOf(pair.key) === place.at(-1))?.key : undefined
    const found = atKey || !isNode(node) ? key : node
    if (isNode(found) && found.range != null) return found.range[0]
    return place.length === 0 ? 0 : offsetOf(place.slice(0, -1), false)
  }
  return {
    value: valueOf(),
    error: (faults) => {
      const placed = faults.map(({ path: place, text: fault, atKey = false }) => {
        const name = place.length === 0 ? '' : `${readablePath(place)}: `
        return { offset: offsetOf(place, atKey), text: `${name}${fault}` }
      })
      placed.sort((one, other) => one.offset - other.offset)
      return errorOf(placed.map(({ offset, text: line }) => `${at(offset)} ${line}`))
    },
  }

  function valueOf(): unknown {
    try {
      return document.toJS()
    } catch (error) {
      // An alias of what is not there, or that would grow without bounds.
      throw new Error(`${path}: ${(error as Error).message}`, { cause: error })
    }
  }
}

/** A path as it is written in code: `stages[0].capacity`. */
export function readablePath(path: FilePath): string {
  const parts = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`))
  return parts.join('').replace(/^\./, '')
}

function nameOf(key: unknown): unknown {
  return isNode(key) ? key.toJSON() : key
}

function errorOf(lines: readonly string[]): Error {
  // Each line is an error of its own, and reads as one.
  return new Error(lines.join('\nerror: '))
}
