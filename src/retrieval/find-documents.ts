import { readdir, realpath, stat } from 'node:fs/promises'
import { join, relative, resolve, sep } from 'node:path'
import type { DocumentFormat } from './formats/document-format.ts'
import { type DocumentFormats, extensionOf } from './formats/document-formats.ts'
import { fileFault } from './file-fault.ts'
import type { IndexReport } from './index-report.ts'
import type { LeftOut } from './left-out.ts'
import { RetrievalError } from './retrieval-error.ts'

/** A document that is there and has not been read. */
export interface FoundFile {
  readonly path: string
  /** Its name in the index: its path relative to the root, with slashes. */
  readonly source: string
  readonly format: DocumentFormat
  readonly isNamed: boolean
}

/** What is in the paths. */
export interface FoundDocuments {
  readonly files: readonly FoundFile[]
  readonly leftOut: readonly LeftOut[]
  /** Entries of folders that were not looked at: how many of each kind. */
  readonly skipped: IndexReport['skipped']
}

interface Search {
  readonly root: string
  readonly formats: DocumentFormats
  readonly signal: AbortSignal | undefined
  readonly files: FoundFile[]
  readonly leftOut: LeftOut[]
  readonly skipped: Map<string, number>
  /** The real paths met so far: a link to one of them is neither followed in circles nor read twice. */
  readonly met: Set<string>
}

/**
 * Looks for documents in files and, recursively, folders, in the order of the paths given and then by name, each file
 * once. In folders, `node_modules` and names that begin with a dot are passed over, and links are followed.
 *
 * @param root What the documents' names are relative to.
 * @throws RetrievalError naming a path given that does not exist or is no document, before anything is read.
 */
export async function findDocuments(
  paths: readonly string[],
  root: string,
  formats: DocumentFormats,
  signal?: AbortSignal,
): Promise<FoundDocuments> {
  const search: Search = {
    root: resolve(root),
    formats,
    signal,
    files: [],
    leftOut: [],
    skipped: new Map(),
    met: new Set(),
  }
  for (const given of paths) {
    const path = resolve(given)
    const kind = await explained(path, () => kindOf(path))
    const format = formats.of(path)
    if (kind === 'folder') await searchFolder(path, search, true)
    else if (kind === 'file' && format !== undefined) await foundFile(path, format, search, true)
    else throw new RetrievalError(path, `is not a folder and not a ${formats.endings} file`)
  }
  const { files, leftOut, skipped } = search
  return { files, leftOut, skipped: Object.fromEntries(skipped) }
}

async function searchFolder(folder: string, search: Search, isNamed: boolean): Promise<void> {
  search.signal?.throwIfAborted()
  const names = await orLeaveOut(folder, search, isNamed, async () =>
    (await isNew(folder, search)) ? await readdir(folder) : [],
  )
  for (const name of (names ?? []).sort()) {
    if (isPassedOver(name)) skip(name.startsWith('.') ? 'dot name' : name, search)
    else await searchEntry(join(folder, name), search)
  }
}

/** Whether a name is passed over in folders. */
export function isPassedOver(name: string): boolean {
  return name.startsWith('.') || name === 'node_modules'
}

async function searchEntry(path: string, search: Search): Promise<void> {
  const format = search.formats.of(path)
  let kind: 'file' | 'folder' | 'other'
  try {
    kind = await kindOf(path)
  } catch (error) {
    // What could be neither a document nor a folder is only counted.
    if (format !== undefined || extensionOf(path) === '') leaveOut(path, faultOf(path, error), search, false)
    else skip(kindOfName(path), search)
    return
  }
  if (kind === 'folder') await searchFolder(path, search, false)
  else if (format === undefined) skip(kindOfName(path), search)
  else if (kind === 'file') await foundFile(path, format, search, false)
  else leaveOut(path, 'is not a file but a pipe, a socket or a device', search, false)
}

async function foundFile(path: string, format: DocumentFormat, search: Search, isNamed: boolean): Promise<void> {
  const { files } = search
  const isFirst = await orLeaveOut(path, search, isNamed, () => isNew(path, search))
  if (isFirst === true) files.push({ path, source: sourceOf(path, search.root), format, isNamed })
}

async function kindOf(path: string): Promise<'file' | 'folder' | 'other'> {
  const found = await stat(path)
  if (found.isDirectory()) return 'folder'
  return found.isFile() ? 'file' : 'other'
}

async function isNew(path: string, { met }: Search): Promise<boolean> {
  const real = await realpath(path)
  if (met.has(real)) return false
  met.add(real)
  return true
}

/** What goes wrong with an entry of a folder costs only that entry. */
async function orLeaveOut<T>(
  path: string,
  search: Search,
  isNamed: boolean,
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    leaveOut(path, faultOf(path, error), search, isNamed)
    return undefined
  }
}

function skip(kind: string, { skipped }: Search): void {
  skipped.set(kind, (skipped.get(kind) ?? 0) + 1)
}

function kindOfName(path: string): string {
  const extension = extensionOf(path)
  return extension === '' ? 'no ending' : `.${extension}`
}

function leaveOut(path: string, reason: string, { root, leftOut }: Search, isNamed: boolean): void {
  leftOut.push({ path, source: sourceOf(path, root), reason, isNamed, isKept: false })
}

function faultOf(path: string, error: unknown): string {
  const { code } = error as NodeJS.ErrnoException
  // Node replaces the bytes of a name that are not UTF-8, and then nothing has that name.
  if (code === 'ENOENT' && path.includes('\ufffd')) return 'has a name that is not UTF-8; rename it'
  return code === 'ENOENT' ? 'is a link that leads nowhere, or has just been deleted' : fileFault(error)
}

async function explained<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw new RetrievalError(path, fileFault(error), { cause: error })
  }
}

function sourceOf(path: string, root: string): string {
  return relative(root, path).split(sep).join('/')
}
