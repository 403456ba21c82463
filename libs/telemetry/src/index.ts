export { createLogger, logLevels, type LogLevel, type Logger } from './logger.js';
export { installCrashHandlers } from './crash.js';
