export { createRedisDeadLetterStore, type RedisDeadLetterStoreOptions } from './redis-dead-letter-store.ts'
export { createRedisSessionStore, type RedisSessionStoreOptions } from './redis-session-store.ts'
export {
  createRedisConnection,
  type RedisConnection,
  type RedisConnectionOptions,
  type RedisConnectionState,
} from './redis-connection.ts'
export type { RedisTlsOptions } from './redis-client.ts'
