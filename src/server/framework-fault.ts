import type { ServerLimits } from './limits.ts'
import { badInput, type Refusal } from './refusal.ts'

/** What the framework found wrong with a request, or that something is wrong here. */
export function faultOf(error: unknown, limits: Required<ServerLimits>): Refusal {
  const { code, statusCode } = error as { readonly code?: unknown; readonly statusCode?: unknown }
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return bodyTooLarge(limits)
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return badInput('content-type', 'the header content-type must be application/json', 'unsupported_media_type', 415)
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return badInput('content-length', 'the body is not as long as content-length says', 'malformed_request')
    case 'FST_ERR_BAD_URL':
      return badInput(null, 'the path is not a valid URL', 'invalid_url')
  }
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) {
    return badInput(null, 'the request could not be read', 'malformed_request', statusCode)
  }
  return { status: 500, message: 'the server failed', type: 'server_error', param: null, code: 'internal_error' }
}

/** Says that a body has more bytes than are taken. */
export function bodyTooLarge({ bodyBytes }: Required<ServerLimits>): Refusal {
  return badInput(null, `the body is larger than the limit bodyBytes of ${bodyBytes} bytes`, 'body_too_large', 413)
}
