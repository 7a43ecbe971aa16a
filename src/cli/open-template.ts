import type { Logger } from '../logger.ts'
import { TemplateError } from '../template/template-error.ts'
import { createTemplateFile, type TemplateFile } from '../template/template-file.ts'

/**
 * Opens the file of `--template`, which is followed.
 *
 * @throws Error naming the option, the file and what is wrong with it.
 */
export function openTemplate(path: string, logger: Logger): TemplateFile {
  try {
    return createTemplateFile({ path, logger })
  } catch (error) {
    if (error instanceof TemplateError) throw new Error(`--template: ${error.message}`, { cause: error })
    throw error
  }
}
