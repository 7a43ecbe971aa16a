import { messageOf } from '../../../operators/index.ts'
import { StoreError } from '../store-error.ts'
import type { RedisConnection, RedisReply } from './redis-connection.ts'

/**
 * Why a server may lose what it has acknowledged, as its settings say; Debian's own lose everything when it ends.
 * Nothing, where all is well on all masters.
 */
export async function durabilityProblems(connection: RedisConnection): Promise<readonly string[]> {
  const problems = new Set<string>()
  await connection.eachMaster(async (send) => {
    try {
      for (const problem of problemsOf(await send('CONFIG', ['GET', 'append*', 'maxmemory-policy']))) {
        problems.add(problem)
      }
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      problems.add(`its settings cannot be checked: ${messageOf(error.cause)}`)
    }
  })
  return [...problems]
}

function problemsOf(reply: RedisReply): readonly string[] {
  const texts = (reply as readonly RedisReply[]).map(String)
  const settingOf = (name: string): string | undefined => texts[texts.indexOf(name) + 1]
  const [appendonly, appendfsync] = [settingOf('appendonly'), settingOf('appendfsync')]
  const policy = settingOf('maxmemory-policy')
  const problems: string[] = []
  if (appendonly !== 'yes') problems.push(`appendonly is ${appendonly}: all is lost when it ends`)
  else if (appendfsync === 'everysec')
    problems.push('appendfsync is everysec: a crash loses what it stored within a second')
  else if (appendfsync !== 'always') problems.push(`appendfsync is ${appendfsync}: a crash loses what it stored lately`)
  if (policy !== 'noeviction') {
    problems.push(`maxmemory-policy is ${policy}: it deletes what it has stored when its memory is full`)
  }
  return problems
}
