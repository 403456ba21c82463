export { command } from './main.js';
export { run } from './run.js';
export type { AgentConfig } from './config.js';
