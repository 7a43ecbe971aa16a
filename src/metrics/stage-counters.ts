/** What a stage counts beside its runs. */
export type StageCounter = 'promptDrops' | 'redactions' | 'contentMatches' | 'retrievalFallbacks'

/** How each is told: the metric's name after the prefix, its one label and its help. */
export const stageCounters: Readonly<Record<StageCounter, StageCounterMetric>> = {
  promptDrops: {
    name: 'prompt_drops_total',
    label: 'kind',
    help: 'Passages and messages left out of prompts because they were beyond the token budget.',
  },
  redactions: {
    name: 'redactions_total',
    label: 'kind',
    help: 'Personal data taken out of answers, by kind.',
  },
  contentMatches: {
    name: 'content_filter_matches_total',
    label: 'filter',
    help: 'Matches of content filters in answers.',
  },
  retrievalFallbacks: {
    name: 'retrieval_fallbacks_total',
    label: 'reason',
    help: 'Searches by words alone because the question could not be embedded.',
  },
}

interface StageCounterMetric {
  readonly name: string
  readonly label: string
  readonly help: string
}
