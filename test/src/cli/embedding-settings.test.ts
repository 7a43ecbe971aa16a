import { describe, expect, test } from 'vitest'
import { embeddingSettings, type EmbeddingSettings } from '../../../src/cli/embedding-settings.ts'

const model = 'nomic-embed-text'
const [here, there] = ['http://127.0.0.1:1/v1', 'http://127.0.0.1:2/v1']

function settings(
  environment: Readonly<Record<string, string>>,
  name: string | undefined = model,
): EmbeddingSettings | undefined {
  return embeddingSettings(name, (variable) => environment[variable])
}

describe('embeddings', () => {
  test('are made where the model is, with its key', () => {
    const environment = { OPENAI_BASE_URL: here, OPENAI_API_KEY: 'a' }
    expect(settings(environment)).toEqual({ model, baseUrl: here, apiKey: 'a' })
    expect(settings({ ...environment, EMBEDDING_API_KEY: 'b' })).toEqual({ model, baseUrl: here, apiKey: 'b' })
  })

  test('or at a server of their own, which is not shown the key of the other', () => {
    const environment = { OPENAI_BASE_URL: here, OPENAI_API_KEY: 'a', EMBEDDING_BASE_URL: there }
    expect(settings(environment)).toEqual({ model, baseUrl: there })
    expect(settings({ ...environment, EMBEDDING_API_KEY: 'b' })).toEqual({ model, baseUrl: there, apiKey: 'b' })
  })

  test('are not made without a model, nor without a server', () => {
    expect(embeddingSettings(undefined, () => here)).toBeUndefined()
    expect(() => settings({})).toThrow(/--embedding-model must come with EMBEDDING_BASE_URL.*got "nomic-embed-text"/)
    expect(() => settings({ OPENAI_BASE_URL: here }, '')).toThrow('--embedding-model must not be empty')
    expect(() => settings({ EMBEDDING_BASE_URL: 'ftp://a' })).toThrow(
      /EMBEDDING_BASE_URL must be an http.*got "ftp:\/\/a"/,
    )
  })
})
