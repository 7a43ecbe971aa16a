/** What a recogniser says where no entity begins. */
export const none = 0

/** What it says where the text that has come so far does not decide it. */
export const more = -1

/** How many units behind an entity a recogniser may look at to see that the entity ends there. */
export const lookAhead = 3

/**
 * Finds entities of one kind: says of a single place in a text whether one begins there, and where it ends.
 *
 * What it says rests on the text from `at` to `maxChars + lookAhead` units further on, and on the 32 units before
 * `at` (`wordsBefore`). So once there is that much text it never says `more`, the work for one place is bounded,
 * and a text that comes in pieces gives the entities of the whole.
 */
export interface Recogniser {
  readonly kind: string
  /** The longest entity, in UTF-16 code units. */
  readonly maxChars: number
  /** Whether an entity can begin with this code unit: a test that is cheap and may say yes too often. */
  starts(unit: number): boolean
  /**
   * The end of the longest entity that begins at `at`, or `none`, or `more`.
   *
   * @param final Whether the text ends where it ends; otherwise it may go on, and what is said, but for `more`, has
   *   to hold however it does.
   */
  match(text: string, at: number, final: boolean): number
  /** The form in which two entities that mean the same are equal; the entity itself by default. */
  readonly normalise?: (entity: string) => string
}
