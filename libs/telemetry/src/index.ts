export { createLogger, logLevels, type LogLevel, type Logger } from './logger.js';
export { installCrashHandlers } from './crash.js';
export { Counter, Gauge, Histogram, Registry } from 'prom-client';
