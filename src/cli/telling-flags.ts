/** What says on the command line which options a store of dead letters has. */
const flags: Readonly<Record<string, string>> = {
  maxEntries: '--dead-letters-max-entries',
  // As many as there may be, up to a number of ours.
  maxDead: '--dead-letters-max-entries',
  maxAgeMs: '--dead-letters-max-age',
  maxAttempts: '--dead-letters-max-attempts',
}

/**
 * Makes a store of dead letters. What only the store can know to be wrong with its options is told by the names that
 * they have on the command line.
 *
 * @throws Error that names the flag, its value and what is allowed; any other as it is.
 */
export function tellingFlags<Store>(make: () => Store): Store {
  try {
    return make()
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    const [option = ''] = /^\w+/.exec(error.message) ?? []
    if (!Object.hasOwn(flags, option)) throw error
    throw new Error(`${flags[option]}${error.message.slice(option.length)}`, { cause: error })
  }
}
