/** How much is told of a name that a caller chose. */
const longest = 80

/** A name out of a body, as a refusal and the log tell it: it may be as long as the body, and is then cut. */
export function cutName(name: string): string {
  return name.length > longest ? `${name.slice(0, longest).toWellFormed()}…` : name
}
