import { z } from 'zod'
import { nearestName } from './nearest-name.ts'

/** What `addIssue` takes, and `safeParse` gives. */
type Issue = Exclude<Parameters<z.RefinementCtx['addIssue']>[0], string> & { readonly path?: readonly PropertyKey[] }

/** A value that is held to the schema that is chosen by its looks, so that what is wrong is told by that one alone. */
export function chosenBy<T>(choose: (value: unknown) => z.ZodType<T>): z.ZodType<T> {
  const schema = z.unknown().superRefine((value, context) => {
    for (const issue of issuesOf(choose(value), value)) context.addIssue(issue)
  })
  return schema as unknown as z.ZodType<T>
}

/** An object that has no other keys; one that was probably misspelt is told, and then not missed besides. */
export function namedObject<Shape extends z.ZodRawShape>(shape: Shape): z.ZodType<z.infer<z.ZodObject<Shape>>> {
  const schema = z.looseObject(shape)
  const known = Object.keys(shape)
  const checked = z.unknown().superRefine((value, context) => {
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    const keys = isObject ? Object.keys(value) : []
    const free = known.filter((key) => !keys.includes(key))
    const meant = new Set<string>()
    for (const key of keys.filter((each) => !known.includes(each))) {
      const nearest = nearestName(key, free)
      if (nearest !== undefined) meant.add(nearest)
      const hint = nearest === undefined ? `known are ${known.join(', ')}` : `did you mean "${nearest}"?`
      context.addIssue({ code: 'custom', path: [key], message: `unknown option; ${hint}`, params: { atKey: true } })
    }
    for (const issue of issuesOf(schema, value)) {
      if (issue.path?.length !== 1 || !meant.has(String(issue.path[0]))) context.addIssue(issue)
    }
  })
  return checked as unknown as z.ZodType<z.infer<z.ZodObject<Shape>>>
}

/** An object whose `kind` says what else it has. */
export function kindsOf<T>(
  shapes: Readonly<Record<string, z.ZodRawShape>>,
  otherwise: z.ZodType = z.looseObject({}),
): z.ZodType<T> {
  const names = Object.keys(shapes)
  const any = z.looseObject({ kind: z.enum(names) })
  const objects = names.map((kind) => [kind, namedObject({ kind: z.literal(kind), ...shapes[kind] })] as const)
  const byKind: ReadonlyMap<unknown, z.ZodType> = new Map(objects)
  return chosenBy<unknown>((value) => {
    if (typeof value !== 'object' || value === null) return otherwise
    return byKind.get((value as { readonly kind?: unknown }).kind) ?? any
  }) as z.ZodType<T>
}

function issuesOf(schema: z.ZodType, value: unknown): readonly Issue[] {
  return (schema.safeParse(value).error?.issues ?? []) as unknown as readonly Issue[]
}
