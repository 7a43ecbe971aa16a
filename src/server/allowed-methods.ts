/** Which methods the registered routes know, for each path. */
export interface AllowedMethods {
  /** Notes a route. */
  add(pattern: string, methods: string | readonly string[]): void
  /** `'GET, HEAD'`; `undefined` where there is nothing at a path. */
  at(path: string): string | undefined
}

/** Makes the list of what is possible where, which answers with 405 need. */
export function createAllowedMethods(): AllowedMethods {
  const routes: { readonly path: RegExp; readonly methods: readonly string[] }[] = []
  return {
    add(pattern, methods) {
      routes.push({ path: pathOf(pattern), methods: typeof methods === 'string' ? [methods] : methods })
    },
    at(path) {
      const methods = new Set(routes.filter((route) => route.path.test(path)).flatMap((route) => route.methods))
      return methods.size === 0 ? undefined : [...methods].sort().join(', ')
    },
  }
}

/** A pattern's parameters (`:id`) are single segments, its `*` is anything. */
function pathOf(pattern: string): RegExp {
  const source = pattern
    .split(/(:[^/]+|\*)/)
    .map((part) => (part === '*' ? '.+' : part.startsWith(':') ? '[^/]+' : part.replace(/[.+?^${}()|[\]\\]/g, '\\$&')))
    .join('')
  return new RegExp(`^${source}$`)
}
