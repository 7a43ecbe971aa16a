/**
 * Words that stand in most English texts and say nothing about what one of them is about, and the rests that
 * an apostrophe leaves ("don't" is indexed as "don" and "t").
 */
const stopWords = new Set(
  (
    'a about after all also am an and any are as at be because been before being between both but by can could d did do ' +
    'does doing don down during each few for from further had has have having he her here hers him his how i if in ' +
    'into is it its just ll m me more most my no nor not now of off on once only or other our out over own please re ' +
    's same she should so some such t tell than that the their them then there these they this those through to too ' +
    'under until up us ve very was we were what when where which while who whom why will with would you your'
  ).split(' '),
)

/** The question mostly stands at the beginning or at the end of a long text. */
const readChars = 4_096

/** What of a question is read: all, or the beginning and the end of a very long one. */
export function readPart(text: string): string {
  return text.length > 2 * readChars ? `${text.slice(0, readChars)} ${text.slice(-readChars)}` : text
}

/**
 * The words of a text that are worth searching for, each once, in order: at most `maxTerms`, half of them from
 * the beginning of a long text and half from its end. Stop words are left out unless there is nothing else.
 */
export function searchTerms(text: string, maxTerms: number): readonly string[] {
  const words = new Set(Array.from(text.matchAll(/[\p{L}\p{N}][\p{L}\p{N}\p{M}]*/gu), ([word]) => word.toLowerCase()))
  const telling = [...words].filter((word) => !stopWords.has(word))
  const terms = telling.length > 0 ? telling : [...words]
  if (terms.length <= maxTerms) return terms
  const fromStart = Math.ceil(maxTerms / 2)
  return [...terms.slice(0, fromStart), ...terms.slice(terms.length - (maxTerms - fromStart))]
}
