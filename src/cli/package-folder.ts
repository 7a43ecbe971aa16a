import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The folder that this package lies in, the same whether its sources or its build are run. */
export function packageFolder(): string {
  let folder = import.meta.dirname
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder)
  return folder
}
