import { pino, stdTimeFunctions, type Logger as PinoLogger } from 'pino';

/** etcd's and Kubernetes' level names; `silent` for tests. */
export const logLevels = ['debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

export type Logger = PinoLogger;

/** JSON lines on standard output: `level`, `time` (RFC 3339), `component`, `msg` and the fields of the call. */
export function createLogger(options: { readonly component: string; readonly level?: LogLevel }): Logger {
  return pino({
    level: options.level ?? 'info',
    base: { component: options.component },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  });
}
