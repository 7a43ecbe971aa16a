import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Clock } from '../../../operators/index.ts'
import { type Logger, silentLogger } from '../../../src/logger.ts'
import { createTemplateFile, type TemplateFile } from '../../../src/template/template-file.ts'
import { TemplateError } from '../../../src/template/template-error.ts'
import { VirtualClock } from '../../../src/testing/index.ts'

let folder: string
let path: string
let open: TemplateFile | undefined
let lines: string[]

const logger: Logger = {
  ...silentLogger,
  info: (_, message) => lines.push(message ?? ''),
  warn: (fields, message) =>
    lines.push(`${message ?? ''}: ${(fields as { error: string }).error.replaceAll(folder, '')}`),
}

/** Follows the file in earnest: events of the file system, and a time that passes. */
const follow = (): TemplateFile => (open = createTemplateFile({ path, logger, settleMs: 20 }))

const eventually = async (text: string): Promise<void> => {
  await vi.waitFor(() => {
    expect(open?.current.text).toBe(text)
  }, 10_000)
}
const told = async (line: string): Promise<void> => {
  await vi.waitFor(() => {
    expect(lines).toContainEqual(expect.stringContaining(line))
  }, 10_000)
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-template-'))
  path = join(folder, 'prompt.jinja')
  lines = []
  writeFileSync(path, 'one')
})

afterEach(() => {
  open?.close()
  open = undefined
  rmSync(folder, { recursive: true, force: true })
})

describe('a file that changes is taken over', () => {
  test('when it is written again', async () => {
    follow()
    expect(open?.current.text).toBe('one')
    writeFileSync(path, 'two')
    await eventually('two')
    expect(lines).toEqual(['a new version of the template has been taken over'])
  })

  test('when an editor puts another file in its place, and again after that', async () => {
    follow()
    for (const text of ['two', 'three']) {
      writeFileSync(`${path}~`, text)
      renameSync(`${path}~`, path)
      await eventually(text)
    }
  })

  test('when it is removed and comes back', async () => {
    follow()
    unlinkSync(path)
    await told('the template is refused; the version before stays: /prompt.jinja cannot be read (ENOENT)')
    expect(open?.current.text).toBe('one')
    writeFileSync(path, 'two')
    await eventually('two')
  })

  test('when a link to its folder is turned to another, as deployments do', async () => {
    for (const version of ['1', '2']) {
      mkdirSync(join(folder, version))
      writeFileSync(join(folder, version, 'prompt.jinja'), `version ${version}`)
    }
    symlinkSync('1', join(folder, 'current'))
    unlinkSync(path)
    symlinkSync(join('current', 'prompt.jinja'), path)
    follow()
    expect(open?.current.text).toBe('version 1')
    symlinkSync('2', join(folder, 'next'))
    renameSync(join(folder, 'next'), join(folder, 'current'))
    await eventually('version 2')
  })
})

describe('a bad version is refused, and the one before stays', () => {
  test.each([
    ['no template', '{{ a', 'template must be a valid Jinja template, got "{{ a"'],
    ['a template that does not end', '{% for i in range(1000000000) %}{% endfor %}', 'maxSteps of 100000 steps'],
    ['nothing', ' \n', '/prompt.jinja is empty; it must hold a Jinja template'],
    ['what is no text', Buffer.from([0xff, 0xfe, 0x00]), '/prompt.jinja is not text in UTF-8'],
  ])('%s', async (_, content, line) => {
    follow()
    writeFileSync(path, content)
    await told(line)
    expect(open?.current.text).toBe('one')
    // Whatever else happens in the folder, it is said once.
    writeFileSync(path, 'two')
    await eventually('two')
    expect(lines).toHaveLength(2)
  })
})

test('half a file is not taken for a whole one', async () => {
  const virtual = new VirtualClock()
  let armed = 0
  const clock: Clock = {
    now: () => virtual.now(),
    wallTime: () => virtual.wallTime(),
    setTimeout: (fn, ms) => {
      armed++
      return virtual.setTimeout(fn, ms)
    },
    clearTimeout: (handle) => {
      virtual.clearTimeout(handle)
    },
  }
  const written = async (text: string): Promise<void> => {
    const before = armed
    writeFileSync(path, text)
    await vi.waitFor(() => {
      expect(armed).toBeGreaterThan(before)
    }, 10_000)
  }
  open = createTemplateFile({ path, logger, settleMs: 100, clock })
  await virtual.advance(100)
  await written('first half')
  await virtual.advance(99)
  await written('first half and second half')
  await virtual.advance(99)
  expect(open.current.text).toBe('one')
  await vi.waitFor(async () => {
    await virtual.advance(100)
    expect(open?.current.text).toBe('first half and second half')
  }, 10_000)
  expect(lines).toHaveLength(1)
})

test('closing leaves no timer and no watcher', async () => {
  const clock = new VirtualClock()
  follow()
  const watchers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'FSEventWrap').length
  const before = watchers()
  const other = createTemplateFile({ path, clock })
  other.close()
  other.close()
  expect(clock.pending).toBe(0)
  await vi.waitFor(() => {
    expect(watchers()).toBe(before)
  }, 10_000)
})

test('at the start a bad file is an error that names it', () => {
  expect(() => createTemplateFile({ path: join(folder, 'none') })).toThrow(
    new TemplateError(`${join(folder, 'none')} cannot be read (ENOENT); name a file that holds a Jinja template`),
  )
  expect(() => createTemplateFile({ path: folder })).toThrow(`${folder} is not a file; it must hold a Jinja template`)
  writeFileSync(path, 'a'.repeat(1_000_001))
  expect(() => createTemplateFile({ path })).toThrow('prompt.jinja must have at most 1000000 bytes, got 1000001')
  writeFileSync(path, '{{ a')
  expect(() => createTemplateFile({ path })).toThrow(
    /prompt\.jinja: template must be a valid Jinja template, got "\{\{ a"/,
  )
})

test('bad options are refused', () => {
  expect(() => createTemplateFile({ path: '' })).toThrow('path must not be empty')
  expect(() => createTemplateFile({ path, settleMs: 0 })).toThrow('settleMs must be a whole number from 1')
  expect(() => createTemplateFile({ path, maxSteps: 0 })).toThrow('maxSteps')
  expect(() => createTemplateFile({ path, clock: {} as Clock })).toThrow('clock must be a Clock')
  expect(() => createTemplateFile({ path, settle: 1 } as { path: string })).toThrow(/unknown option "settle"/)
})
