export * from './types.js';
export * from './limits.js';
export { createRaft } from './raft.js';
export type { InitialState } from './raft.js';
export { MemoryLog } from './memory-log.js';
export { InvariantError } from './assert.js';
