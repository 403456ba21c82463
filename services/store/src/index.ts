export { command } from './main.js';
export { run } from './run.js';
export { storeConfig, type StoreConfig, type StoreFlags } from './config.js';
export { ConfigError, ListenError } from './errors.js';
