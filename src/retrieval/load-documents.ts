import { isUtf8 } from 'node:buffer'
import { readdir, readFile, realpath, stat } from 'node:fs/promises'
import { join, relative, resolve, sep } from 'node:path'
import { checkInteger, checkKeys, checkText } from '../../operators/index.ts'
import { type Logger, silentLogger } from '../logger.ts'
import { RetrievalError } from './retrieval-error.ts'
import type { SourceDocument } from './retriever.ts'

/** How documents are read. */
export interface LoadOptions {
  /** The folder that the documents' names are relative to; default: the working directory. */
  readonly root?: string
  /** The largest file in bytes, 1 … 100,000,000; default 1,000,000. */
  readonly maxBytes?: number
  /** Hears what was left out and why; default: nobody. */
  readonly logger?: Logger
}

const defaultMaxBytes = 1_000_000
const isDocument = /\.(?:md|markdown|txt)$/i

/** What one loading has to know at every step. */
interface Loading {
  readonly root: string
  readonly maxBytes: number
  readonly logger: Logger
  /** The real paths met so far: a link to one of them is neither followed in circles nor read twice. */
  readonly met: Set<string>
}

/**
 * Reads documents from files and, recursively, folders: `.md`, `.markdown` and `.txt`, in the order of the
 * paths given and then by name, each file once. Read one by one, as they are asked for.
 *
 * In folders, `node_modules` and names that begin with a dot are passed over, links are followed, and a file
 * that is too large or cannot be read is left out with a warning; one that was named itself is an error. Bytes that
 * are not UTF-8 become U+FFFD, with a warning.
 *
 * @example
 * ```ts
 * for await (const { source, text } of loadDocuments(['docs', 'README.md'])) console.log(source, text.length)
 * ```
 *
 * @throws RetrievalError naming a path that does not exist or is no document; RangeError or TypeError for an empty
 * path or a bad option.
 */
export function loadDocuments(paths: readonly string[], options: LoadOptions = {}): AsyncIterable<SourceDocument> {
  checkKeys('loadDocuments', options, ['root', 'maxBytes', 'logger'])
  paths.forEach((path, index) => checkText(`paths[${index}]`, path))
  const { root = '.', maxBytes = defaultMaxBytes, logger = silentLogger } = options
  checkInteger('maxBytes', maxBytes, { min: 1, max: 100_000_000 })
  return loadAll(paths, { root: resolve(root), maxBytes, logger, met: new Set() })
}

async function* loadAll(paths: readonly string[], loading: Loading): AsyncGenerator<SourceDocument> {
  for (const given of paths) {
    const path = resolve(given)
    const kind = await kindOf(path)
    if (kind === 'folder') {
      for await (const file of filesIn(path, loading)) {
        const document = await orLeaveOut(file, () => load(file, loading), loading)
        if (document !== undefined) yield document
      }
    } else if (kind === 'file' && isDocument.test(path)) {
      const document = await load(path, loading)
      if (document !== undefined) yield document
    } else {
      throw new RetrievalError(path, 'is not a folder and not a .md, .markdown or .txt file')
    }
  }
}

/** The documents' paths in a folder and those below it. */
async function* filesIn(folder: string, loading: Loading): AsyncGenerator<string> {
  if (!(await isNew(folder, loading))) return
  const names = await explained(folder, () => readdir(folder))
  for (const name of names.sort()) {
    if (name.startsWith('.') || name === 'node_modules') continue
    const path = join(folder, name)
    const kind = await orLeaveOut(path, () => kindOf(path), loading)
    if (kind === 'file' && isDocument.test(name)) yield path
    if (kind === 'folder') yield* filesIn(path, loading)
  }
}

async function kindOf(path: string): Promise<'file' | 'folder' | 'other'> {
  const found = await explained(path, () => stat(path))
  if (found.isDirectory()) return 'folder'
  return found.isFile() ? 'file' : 'other'
}

/** The document, or none when it was met before. */
async function load(path: string, loading: Loading): Promise<SourceDocument | undefined> {
  const { root, maxBytes, logger } = loading
  if (!(await isNew(path, loading))) return undefined
  const { size } = await explained(path, () => stat(path))
  if (size > maxBytes) throw new RetrievalError(path, `has ${size} bytes, more than maxBytes (${maxBytes})`)
  const bytes = await explained(path, () => readFile(path))
  if (!isUtf8(bytes)) logger.warn({ path }, 'document is not valid UTF-8: its invalid bytes are replaced')
  return { source: relative(root, path).split(sep).join('/'), text: new TextDecoder().decode(bytes) }
}

async function isNew(path: string, { met }: Loading): Promise<boolean> {
  const real = await explained(path, () => realpath(path))
  if (met.has(real)) return false
  met.add(real)
  return true
}

/** What goes wrong with an entry of a folder costs only that entry. */
async function orLeaveOut<T>(path: string, work: () => Promise<T>, { logger }: Loading): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    // A logger shows an error's own fields, and its message is none of them.
    const { code, message } = error as RetrievalError
    logger.warn({ path, code, error: message }, 'document left out')
    return undefined
  }
}

async function explained<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new RetrievalError(path, code === 'ENOENT' ? 'does not exist' : `cannot be read: ${message}`, {
      cause: error,
    })
  }
}
