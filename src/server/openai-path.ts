/**
 * Paths whose errors have OpenAI's shape: all that its clients may call, served here or not. Those of the server's own
 * are problem details.
 */
export const openAiPath: RegExp = /^\/v1\/(?!(?:stream|pipeline)(?:[/?]|$))/
