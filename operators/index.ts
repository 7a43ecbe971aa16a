export { type Clock, systemClock, type TimerHandle } from './clock.ts'
export { checkFunction, checkInteger, checkKeys, checkNumber, checkOneOf, checkText, type NumberRange, show } from './options.ts'
export { type ErrorCode, SpillwayError } from './spillway-error.ts'
