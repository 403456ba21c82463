import { limits } from '../limits.js';
import type { EtcdClient } from '../storage/etcd-client.js';
import { range } from '../storage/etcd-calls.js';
import type { HealthChecks } from './health.js';

/** What /livez and /readyz go by. */
export interface Readiness {
  readonly checks: HealthChecks;
  bootstrapped(): void;
  stopping(): void;
}

export function createReadiness(client: EtcdClient, keyPrefix: string): Readiness {
  let phase: 'starting' | 'serving' | 'stopping' = 'starting';
  const ping = async (): Promise<string | null> => null;
  return {
    checks: {
      livez: { ping },
      readyz: {
        ping,
        etcd: () => etcdAnswers(client, keyPrefix),
        'poststarthook/bootstrap': async () => (phase === 'starting' ? 'not finished' : null),
        shutdown: async () => (phase === 'stopping' ? 'process is shutting down' : null),
      },
    },
    bootstrapped: () => {
      if (phase === 'starting') phase = 'serving';
    },
    stopping: () => {
      phase = 'stopping';
    },
  };
}

/** A linearizable read: it takes a majority. */
async function etcdAnswers(client: EtcdClient, keyPrefix: string): Promise<string | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(resolve, limits.probeTimeoutMs, 'the store does not answer');
  });
  const read = range(client, { key: Buffer.from(`${keyPrefix}/health`), countOnly: true }).then(
    () => null,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  const result = await Promise.race([read, late]);
  clearTimeout(timer);
  return result;
}
