export {
  type ContractCase,
  type EndlessSubject,
  modelWorkerContract,
  type ModelWorkerContractOptions,
  type WorkerSubject,
} from './model-worker-contract.ts'
export { retrieverContract } from './retriever-contract.ts'
export { VirtualClock, type VirtualClockOptions } from './virtual-clock.ts'
