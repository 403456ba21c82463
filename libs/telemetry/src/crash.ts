import type { Logger } from './logger.js';

/** A bug must not leave a half-working process: what nobody caught is logged and ends the process with exit code 1. */
export function installCrashHandlers(logger: Logger): void {
  const die = (kind: string) => (error: unknown) => {
    logger.fatal({ err: error }, kind);
    process.exit(1);
  };
  process.on('uncaughtException', die('uncaught exception'));
  process.on('unhandledRejection', die('unhandled rejection'));
}
