import { readFileSync } from 'node:fs';
import type { Logger } from '@raftsman/telemetry';
import type { GatewayConfig } from './config.js';
import { createHealthCheck } from './health.js';
import { gatewayLimits } from './limits.js';
import { createListener } from './listener.js';
import { createPool, type HealthReport } from './pool.js';

/** Serves until `signal` aborts. Rejects if a port is taken. */
export async function run(config: GatewayConfig, logger: Logger, signal: AbortSignal): Promise<void> {
  const ca = readFileSync(config.certificateAuthorityFile);
  const checks = config.httpsBackends.map((backend) => createHealthCheck(backend, ca));
  const size = checks.length;
  const faces = [
    { name: 'https', at: config.httpsListen, backends: config.httpsBackends },
    { name: 'grpc', at: config.grpcListen, backends: config.grpcBackends },
  ].map((face) => {
    const pool = createPool(size, gatewayLimits.timeoutsBeforeCut);
    return { ...face, pool, listener: createListener(face.backends, pool, logger) };
  });

  const take = (backend: number, report: HealthReport): void => {
    for (const { name, pool, listener, backends } of faces) {
      const { changed, cut } = pool.report(backend, report);
      if (changed && name === 'https')
        logger.info({ backend: backends[backend], state: pool.state(backend).kind }, 'backend');
      if (cut) listener.cut(backend);
    }
  };
  const checkAll = async (): Promise<void> => {
    await Promise.all(checks.map(async (check, i) => take(i, await check.run())));
  };

  await checkAll();
  for (const { listener, at, name } of faces) {
    await listener.listen(at);
    logger.info({ ...at, api: name }, 'listening');
  }
  await everyUntil(config.healthIntervalMs, checkAll, signal);
  for (const check of checks) check.close();
  await Promise.all(faces.map(({ listener }) => listener.close(config.shutdownGraceMs)));
}

/** Calls `task` with a pause of `intervalMs` after each end, until `signal` aborts. */
async function everyUntil(intervalMs: number, task: () => Promise<void>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, intervalMs);
      signal.addEventListener('abort', done);
    });
    if (!signal.aborted) await task();
  }
}
