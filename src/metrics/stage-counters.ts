/** What stages count beside their runs: the metric's name after the prefix, its one label and its help. */
export const stageCounters = {
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
} as const

/** The name of one of them. */
export type StageCounter = keyof typeof stageCounters
