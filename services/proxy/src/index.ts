export { command } from './main.js';
export { run } from './run.js';
export type { ProxyConfig } from './config.js';
