import { request } from 'node:https';
import { gatewayLimits } from './limits.js';
import type { HealthReport } from './pool.js';

/** Asks an apiserver's /readyz, which answers everybody. `ca`: PEM of the authority that its certificate must come from. */
export function checkReadyz(
  backend: { readonly host: string; readonly port: number },
  ca: Buffer,
): Promise<HealthReport> {
  return new Promise((resolve) => {
    const call = request(
      {
        host: backend.host,
        port: backend.port,
        path: '/readyz',
        ca,
        servername: 'kubernetes.default.svc',
        agent: false,
        timeout: gatewayLimits.healthTimeoutMs,
      },
      (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode === 200 ? 'ready' : 'not-ready'));
        response.on('error', () => resolve('refused'));
      },
    );
    // `timeout` counts idle time; a peer that trickles bytes is cut by the same limit.
    const deadline = setTimeout(() => finish('timeout'), gatewayLimits.healthTimeoutMs);
    const finish = (report: HealthReport): void => {
      clearTimeout(deadline);
      resolve(report);
      call.destroy();
    };
    call.on('timeout', () => finish('timeout'));
    call.on('error', () => finish('refused'));
    call.on('close', () => clearTimeout(deadline));
    call.end();
  });
}
