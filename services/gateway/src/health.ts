import { Agent, request } from 'node:https';
import { gatewayLimits } from './limits.js';
import type { HealthReport } from './pool.js';

export interface HealthCheck {
  /** Asks an apiserver's /readyz, which answers everybody. */
  run(): Promise<HealthReport>;
  close(): void;
}

/** `ca`: PEM of the authority that the apiserver's certificate must come from. The connection is kept, since a TLS handshake costs more than an answer. */
export function createHealthCheck(
  backend: { readonly host: string; readonly port: number },
  ca: Buffer,
): HealthCheck {
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca, servername: 'kubernetes.default.svc' });
  return { run: () => checkReadyz(backend, agent), close: () => agent.destroy() };
}

function checkReadyz(
  backend: { readonly host: string; readonly port: number },
  agent: Agent,
): Promise<HealthReport> {
  return new Promise((resolve) => {
    const call = request({ host: backend.host, port: backend.port, path: '/readyz', agent }, (response) => {
      response.resume();
      response.on('end', () => finish(response.statusCode === 200 ? 'ready' : 'not-ready'));
      response.on('error', () => finish('refused'));
    });
    const deadline = setTimeout(() => finish('timeout'), gatewayLimits.healthTimeoutMs);
    const finish = (report: HealthReport): void => {
      clearTimeout(deadline);
      resolve(report);
      if (report === 'timeout') call.destroy();
    };
    call.on('error', () => finish('refused'));
    call.end();
  });
}
