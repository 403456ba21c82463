export { addApiserverFlags, apiserverConfig, type ApiserverConfig, type MasterAddress } from './config.js';
export { command } from './main.js';
export { run, startApiserver, type RunningApiserver } from './run.js';
