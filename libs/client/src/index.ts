export { kinds, type TypedResource } from './kinds.js';
export { createApiClient, type ApiClient, type ApiClientConfig, type CallTimeouts } from './api-client.js';
export type { DeleteOptions, ResourceClient, WatchOptions } from './resource-client.js';
export {
  keyOf,
  type ListOptions,
  type ObjectLike,
  type ObjectList,
  type ObjectRef,
  type ResourceType,
  type Stored,
  type StoredMeta,
  type WatchEvent,
} from './types.js';
export {
  hasReason,
  isAlreadyExists,
  isConflict,
  isExpired,
  isNamespaceTerminating,
  isNotFound,
} from './errors.js';
export { sleep, systemClock, yieldToEventLoop, type Clock } from './clock.js';
export {
  byControllerUid,
  byLabel,
  byNamespace,
  byNode,
  byOwnerUid,
  type Indexes,
  type Lister,
} from './indexer.js';
export { createInformer, type Change, type Informer, type InformerOptions } from './informer.js';
export { createWorkQueue, type WorkQueue, type WorkQueueOptions } from './work-queue.js';
export { createController, type Controller, type ControllerOptions, type Requeue } from './controller.js';
export {
  runLeaderElected,
  validateLeaderElection,
  type LeaderElectionConfig,
  type LeaderElectionOptions,
  type LeaderBeats,
} from './leader-election.js';
export {
  createEventRecorder,
  referenceTo,
  type EventRecorder,
  type EventRecorderOptions,
  type EventSink,
} from './event-recorder.js';
export type { ObjectReference } from './event-correlator.js';
export { clientLimits } from './limits.js';
