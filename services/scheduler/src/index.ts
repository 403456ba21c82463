export { command } from './main.js';
export { run } from './run.js';
export { parseConfig, type SchedulerConfig } from './config.js';
export { createScheduler, type Scheduler, type SchedulerOptions } from './scheduler.js';
