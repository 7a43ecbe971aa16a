#!/usr/bin/env node
// What an old Node.js could not load is imported after its version is known, so that it is told and not a stack trace.
import { nodeVersionFault } from './node-version.ts'

const fault = nodeVersionFault(process.versions.node)
if (fault === undefined) {
  await import('./main.ts')
} else {
  console.error(`error: spillway ${fault}`)
  process.exitCode = 1
}
