/** A tool that the model may ask its caller to call. */
export interface ToolDefinition {
  /** Unique among the tools of a prompt. */
  readonly name: string
  /** What it is for, in words for the model. */
  readonly description?: string
  /** A JSON schema of its arguments; absent for none. */
  readonly parameters?: Readonly<Record<string, unknown>>
  /** Whether the arguments must fit the schema exactly, where the model can see to it. */
  readonly strict?: boolean
}

/** What the answer's text must be: free, any JSON object, or JSON that fits a schema. */
export interface ResponseFormat {
  readonly type: 'text' | 'json_object' | 'json_schema'
  /** What the schema is called; with `'json_schema'`, and required there. */
  readonly name?: string
  /** What the schema is for, in words for the model; with `'json_schema'`. */
  readonly description?: string
  /** With `'json_schema'`. */
  readonly schema?: Readonly<Record<string, unknown>>
  /** Whether the answer must fit the schema exactly, where the model can see to it; with `'json_schema'`. */
  readonly strict?: boolean
}

/** Whether tools are called: as the model likes, never, at least one, or this one. */
export type ToolChoice = 'auto' | 'none' | 'required' | { readonly name: string }

/** How a model is to generate; what is absent is left to the model. */
export interface GenerationParameters {
  /** 0 … 2. */
  readonly temperature?: number
  /** 0 … 1. */
  readonly topP?: number
  /** The longest answer in tokens, 1 or more. */
  readonly maxTokens?: number
  /** Texts that end the answer; they are not part of it. At most 16, each 1 to 256 UTF-16 units long. */
  readonly stop?: readonly string[]
  /** Makes sampling repeatable, where the model supports it. */
  readonly seed?: number
  /** -2 … 2. */
  readonly frequencyPenalty?: number
  /** -2 … 2. */
  readonly presencePenalty?: number
  /** How many answers are given beside each other, 1 … 128; default 1. Needs the capability `'choices'`. */
  readonly n?: number
  /** Tools that may be called, at most 128. Needs the capability `'tools'`. */
  readonly tools?: readonly ToolDefinition[]
  readonly toolChoice?: ToolChoice
  /** Whether several tools may be called in one answer. */
  readonly parallelToolCalls?: boolean
  /** Default: free text. Others need the capability `'json'`. */
  readonly responseFormat?: ResponseFormat
  /** Whether the tokens of the answer are told with their probabilities. Needs the capability `'logprobs'`. */
  readonly logprobs?: boolean
  /** How many other tokens are told beside each, 0 … 20; with `logprobs`. */
  readonly topLogprobs?: number
  /** By token id: what is added to its logit, -100 … 100. */
  readonly logitBias?: Readonly<Record<string, number>>
  /** How long the model is to think, in its own words, e.g. `'low'`. */
  readonly reasoningEffort?: string
  /**
   * Fields of the model's own server, by their names there, e.g. `top_k` or `chat_template_kwargs`; at most 64.
   * They are passed to it as they are; one that has a name of its own above, or that frames the call, is refused.
   */
  readonly extra?: Readonly<Record<string, unknown>>
}
