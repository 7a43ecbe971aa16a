import { ChannelClosedError } from './errors.ts'

/** Takes items until their channel is closed and empty. */
export async function* takeAll<T>(channel: { take(): Promise<T> }): AsyncGenerator<T, void, undefined> {
  for (;;) {
    try {
      yield await channel.take()
    } catch (error) {
      if (error instanceof ChannelClosedError) return
      throw error
    }
  }
}
