export { command } from './main.js';
export { run } from './run.js';
export type { GatewayConfig } from './config.js';
