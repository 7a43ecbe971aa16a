import { SpillwayError } from '../../operators/index.ts'

/** A template cannot be used, or could not be rendered for a request; the message says what is wrong. */
export class TemplateError extends SpillwayError {
  override readonly code = 'template_failed'
}
