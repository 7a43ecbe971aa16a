/**
 * Checks the address of a server with OpenAI's API.
 *
 * @throws RangeError naming the variable, its value and what is allowed.
 */
export function checkBaseUrl(variable: string, value: string): string {
  if (URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)) return value
  throw new RangeError(
    `${variable} must be an http or https address such as http://127.0.0.1:11434/v1, got ${JSON.stringify(value)}`,
  )
}

/** How errors name a server: by its address as it was given, and by host and port, without an IPv6 address's brackets. */
export function addressForms(baseUrl: string): readonly string[] {
  const { protocol, hostname, port } = new URL(baseUrl)
  return [baseUrl, `${hostname.replace(/^\[|\]$/g, '')}:${port || (protocol === 'https:' ? '443' : '80')}`]
}
