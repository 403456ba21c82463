export * from './types.js';
export * from './limits.js';
export {
  configurationOf,
  decodeConfiguration,
  emptyDirectory,
  encodeConfiguration,
  isJoint,
  isWellFormedConfiguration,
  membersOf,
} from './configuration.js';
export { createRaft } from './raft.js';
export type { InitialState } from './raft.js';
export { MemoryLog } from './memory-log.js';
export { InvariantError } from './assert.js';
