export { faultLimits } from './limits.js';
export { isAnswered, type Answered, type Operation, type Outcome } from './history/operation.js';
export { HistoryError, parseHistory, type HistoryEvent } from './history/lines.js';
export { Recorder, type Call } from './history/recorder.js';
export { checkLinearizability, type CheckOptions, type Verdict } from './linearizability/check.js';
export type { Model } from './linearizability/model.js';
export {
  registerModel,
  type Register,
  type RegisterInput,
  type RegisterOutput,
} from './kv/register-model.js';
export { Replay, sameEvent, type ReplayedEvent } from './kv/replay.js';
export { storeModel } from './kv/store-model.js';
export {
  applyEvents,
  applySteps,
  emptyStore,
  rangeOf,
  sameKeyValue,
  type Found,
  type StoreState,
} from './kv/store-state.js';
export * from './kv/types.js';
export type { Compaction, WatchedEvent, WatchRecord, WatchRequest, WatchResponse } from './watch/record.js';
export {
  firstRevisionOf,
  validateWatch,
  watchGuarantees,
  type WatchGuarantee,
  type WatchViolation,
} from './watch/validators.js';
export { FaultError, FaultLedger, type Injected, type LedgerEntry } from './inject/fault.js';
export { kill, pause, stutter, type ProcessTarget } from './inject/processes.js';
export { between, delay, drop, oneWay, ring, type Link, type NetworkTarget } from './inject/network.js';
export { fillDisk, mountDisk, unmountDisk } from './inject/disk.js';
export { clockPreload, stepClock } from './inject/clock.js';
export { explain, type Explained, type ExplainOptions } from './kv/explain.js';
