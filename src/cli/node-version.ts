/** The lowest version of Node.js that the package runs on, as in `engines` of package.json. */
const [major, minor] = [22, 18] as const

/** What is wrong with a version of Node.js, e.g. `20.20.2`; `undefined` where it will do. */
export function nodeVersionFault(version: string): string | undefined {
  const [ownMajor = 0, ownMinor = 0] = version.split('.').map(Number)
  if (ownMajor > major || (ownMajor === major && ownMinor >= minor)) return undefined
  return `needs Node.js >= ${major}.${minor}, this is v${version}`
}
