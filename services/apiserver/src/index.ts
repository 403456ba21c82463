export { addApiserverFlags, apiserverConfig, type ApiserverConfig, type MasterAddress } from './config.js';
export { command } from './main.js';
export { run, startApiserver, type RunningApiserver } from './run.js';
export { createEtcdClient, type EtcdClient } from './storage/etcd-client.js';
export { compactOnce } from './storage/compactor.js';
export { createEventLeases } from './storage/event-leases.js';
export type { EtcdEvent } from './storage/etcd-watch.js';
export { createStorage, type Storage } from './storage/storage.js';
export { StorageError } from './storage/storage-error.js';
