export { command } from './main.js';
export { snapshotCommand } from './snapshot/command.js';
export { run } from './run.js';
export { storeConfig, type StoreConfig, type StoreFlags } from './config.js';
export { ConfigError, ListenError } from './errors.js';
