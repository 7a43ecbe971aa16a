/**
 * Makes sure that programs from Debian's packages are there, those that are named or else those that the tests call:
 * installs them where it may (root, with apt-get), and otherwise ends with exit code 1 and one sentence that says what
 * to do.
 */
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Program → the Debian package that has it. */
const packageOf: Readonly<Record<string, string>> = {
  curl: 'curl',
  'docker-compose': 'docker-compose',
  openssl: 'openssl',
  promtool: 'prometheus',
  'redis-server': 'redis-server',
}

const ofTests: readonly string[] = ['curl', 'openssl', 'promtool', 'redis-server']
const named: readonly string[] = process.argv.slice(2)
const wanted = named.length > 0 ? named : ofTests
const caller = named.length > 0 ? 'The checks call' : 'The tests call'

/** Debian's own switch: while this program exists and exits with 101, a package starts no daemon. */
const daemonPolicy = '/usr/sbin/policy-rc.d'

function onPath(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

function missingPrograms(): readonly string[] {
  return wanted.filter((program) => !onPath(program))
}

function packagesOf(programs: readonly string[]): readonly string[] {
  return [...new Set(programs.flatMap((program) => packageOf[program] ?? []))]
}

function withoutDaemons(install: () => void): void {
  if (existsSync(daemonPolicy)) {
    install()
    return
  }
  writeFileSync(daemonPolicy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    install()
  } finally {
    rmSync(daemonPolicy, { force: true })
  }
}

/** Runs apt-get; its output is shown only when it fails, and then the missing programs tell the rest. */
function aptGet(...args: readonly string[]): void {
  const run = spawnSync('apt-get', ['-o', 'DPkg::Lock::Timeout=300', '-qq', ...args], {
    encoding: 'utf8',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  })
  if (run.status !== 0) process.stderr.write(`${run.stdout}${run.stderr}`)
}

const missing = missingPrograms()
if (missing.length > 0 && process.getuid?.() === 0 && onPath('apt-get')) {
  const packages = packagesOf(missing)
  console.error(`Installing ${packages.join(', ')} with apt-get. ${caller} ${missing.join(', ')}.`)
  withoutDaemons(() => {
    aptGet('update')
    aptGet('install', '--yes', '--no-install-recommends', ...packages)
  })
}

const stillMissing = missingPrograms()
if (stillMissing.length > 0) {
  const command = `sudo apt-get install --no-install-recommends ${packagesOf(stillMissing).join(' ')}`
  console.error(
    `${caller} ${stillMissing.join(', ')}, which is not on the PATH: run \`${command}\` (on a system without apt-get, install it by other means), then start again.`,
  )
  process.exitCode = 1
}
