import { execFile } from 'node:child_process'

/** What a program left behind. */
export interface ProgramEnd {
  /** `null` when it was ended by a signal, e.g. by the guard. */
  readonly exitCode: number | null
  /** Standard output and standard error, in this order. */
  readonly output: string
  readonly stdout: string
}

export interface ProgramOptions {
  readonly cwd: string
  /** When a program that hangs is killed. */
  readonly guardMs: number
}

/** Runs a program to its end, as a user would from a shell: nothing of the test runner's environment shows. */
export async function runProgram(
  program: string,
  args: readonly string[],
  options: ProgramOptions,
): Promise<ProgramEnd> {
  const { NODE_ENV, NODE_OPTIONS, VITEST, npm_config_local_prefix, ...env } = process.env
  return new Promise((resolve) => {
    const child = execFile(
      program,
      args,
      { cwd: options.cwd, env, timeout: options.guardMs, killSignal: 'SIGKILL', maxBuffer: 2 ** 26 },
      (_error, stdout, stderr) => {
        resolve({ exitCode: child.exitCode, output: `${stdout}${stderr}`, stdout })
      },
    )
  })
}
