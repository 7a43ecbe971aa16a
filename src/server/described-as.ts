import { z } from 'zod'

/**
 * What the OpenAPI document says of a value that a check of our own reads, because it tells better what is wrong than
 * a union of schemas can: that it has this shape.
 */
export function describedAs(shape: z.ZodType): z.GlobalMeta {
  const described = z.toJSONSchema(shape, { io: 'input' })
  // The document says for all of it which JSON Schema it is.
  delete described.$schema
  return { ...described }
}
