/** Longer than the last line of a stream and the white space around it. */
const tailLength = 64
const lastLine = /[\r\n]data: ?\[DONE\]\s*$/

const tails = new WeakMap<Response, { text: string }>()

/**
 * The same response, with an eye on how its event stream ends. The official client does not tell an answer that
 * was broken off between two events from one that ended with `data: [DONE]`.
 */
export function watchEnding(response: Response): Response {
  const isEvents = response.headers.get('content-type')?.includes('text/event-stream') ?? false
  if (response.body === null || !response.ok || !isEvents) return response
  const tail = { text: '\n' }
  const watched = new Response(
    response.body.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform(bytes, controller) {
          tail.text = (tail.text + latin1(bytes.subarray(-tailLength))).slice(-tailLength)
          controller.enqueue(bytes)
        },
      }),
    ),
    response,
  )
  tails.set(watched, tail)
  return watched
}

/** Whether all of a watched response has been read, up to its `data: [DONE]`. */
export function endedProperly(response: Response): boolean {
  return lastLine.test(tails.get(response)?.text ?? '')
}

/** One character for each byte: what is looked for is ASCII, and no character is torn. */
function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes)
}
