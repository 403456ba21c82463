export {
  isTombstone,
  MvccError,
  noLease,
  revision,
  type Binary,
  type KeyValue,
  type LeaseId,
  type MvccErrorCode,
  type Revision,
} from './types.js';
export type { Page, PageBounds } from './key-space.js';
export { contains, isEmpty, keyRange, type KeyRange } from './key-range.js';
export type * from './requests.js';
export { isReadOnly } from './requests.js';
export { isFiltered } from './range.js';
export { decodeCommand, encodeCommand, UnknownCommandError, type Command } from './command.js';
export { ByteReader, ByteWriter, MalformedError } from './codec.js';
export { MvccStore, type Applied, type CommandResult } from './store.js';
export { newestOf, versionsOf, type KeyHistory } from './key-history.js';
export {
  compactionRow,
  leaseRow,
  readRow,
  versionRow,
  type RestoredRow,
  type Row,
  type StoredRow,
} from './rows.js';
export type { Lease } from './lease-table.js';
export { LeaseClock } from './lease-clock.js';
export { WatchHub, type Watcher, type WatchSink, type WatchSpec } from './watch-hub.js';
export { growthOf } from './sizes.js';
export { mvccLimits } from './limits.js';
