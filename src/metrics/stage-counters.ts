/** What a stage counts beside its runs. */
export type StageCounter =
  'promptDrops' | 'redactions' | 'contentMatches' | 'retrievalFallbacks' | 'sessionOutages' | 'conversationDrops'

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
  sessionOutages: {
    name: 'session_outages_total',
    label: 'operation',
    help: 'Sessions that could not be read or updated, by what was tried.',
  },
  conversationDrops: {
    name: 'conversation_drops_total',
    label: 'reason',
    help: 'Turns left out of stored conversations, the oldest first, because there was no room.',
  },
}

interface StageCounterMetric {
  readonly name: string
  readonly label: string
  readonly help: string
}
