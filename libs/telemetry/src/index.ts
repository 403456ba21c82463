export { createLogger, logLevels, type LogLevel, type Logger } from './logger.js';
export { installCrashHandlers } from './crash.js';
export { exponentialBounds, Histogram, MetricsPage, type Labels, type MetricSource } from './metrics.js';
export { processMetrics } from './process-metrics.js';
