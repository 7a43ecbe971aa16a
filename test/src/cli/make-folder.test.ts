import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { makeFolder } from '../../../src/cli/make-folder.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'spillway-folder-'))
})
afterEach(() => {
  rmSync(root, { recursive: true })
})

test('a folder is made with those above it, and left where it is there', () => {
  const folder = join(root, 'a', 'b', 'c')
  makeFolder('--data-dir', folder)
  writeFileSync(join(folder, 'kept'), '')
  makeFolder('--data-dir', folder)
  expect(existsSync(join(folder, 'kept'))).toBe(true)
})

test('what stands in the way is named', () => {
  writeFileSync(join(root, 'file'), '')
  expect(() => {
    makeFolder('--data-dir', join(root, 'file', 'x'))
  }).toThrow(`--data-dir: ${join(root, 'file')} is a file and not a folder; name a folder, or one that can be made`)
  expect(() => {
    makeFolder('--data-dir', join(root, 'file'))
  }).toThrow(`--data-dir: ${join(root, 'file')} is a file and not a folder`)
  symlinkSync(join(root, 'nowhere'), join(root, 'link'))
  expect(() => {
    makeFolder('--data-dir', join(root, 'link'))
  }).toThrow(`--data-dir: the folder ${join(root, 'link')} cannot be made (EEXIST)`)
})

test('a file system that takes no folders is told, not waited for', () => {
  expect(() => {
    makeFolder('--data-dir', '/proc/spillway/data')
  }).toThrow(/^--data-dir: the folder \/proc.* cannot be made/)
})
