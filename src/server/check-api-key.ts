import { checkText } from '../../operators/index.ts'

/**
 * A key that a client can show in a header: any other one would keep everybody out. The message never quotes it.
 *
 * @throws TypeError or RangeError naming the option.
 */
export function checkApiKey(option: string, value: unknown): string {
  const key = checkText(option, value)
  if (/^[\x21-\x7e]+$/.test(key)) return key
  throw new RangeError(`${option} must be printable ASCII characters without white space, got something else in it`)
}
