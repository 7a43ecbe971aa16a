/** Turns texts into vectors whose directions are the nearer the more alike the texts' meanings are. */
export interface Embedder {
  /** Names the space of its vectors: those of two embedders of the same name can be compared. */
  readonly model: string
  /**
   * One vector for each text, in order, all of the same length.
   *
   * Rejects with the signal's reason when it is aborted, otherwise with an error that says what is wrong.
   */
  embed(texts: readonly string[], options?: { readonly signal?: AbortSignal }): Promise<readonly Float32Array[]>
}
