/** Paths whose errors have OpenAI's shape; the others' are problem details. */
export const openAiPath: RegExp = /^\/v1\/(?:chat|completions|embeddings|models)(?:[/?]|$)/
