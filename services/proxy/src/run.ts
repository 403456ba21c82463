import { setTimeout as sleep } from 'node:timers/promises';
import { resourceOfKind, type EndpointSlice, type Service } from '@raftsman/api';
import { createApiClient, createInformer } from '@raftsman/client';
import type { Logger } from '@raftsman/telemetry';
import type { ProxyBackend } from './backend.js';
import type { ProxyConfig } from './config.js';
import { proxyLimits } from './limits.js';
import { createNftablesBackend } from './nftables.js';
import { serviceTable } from './service-table.js';
import { createUserspaceBackend } from './userspace.js';

/** Follows Services and EndpointSlices until `signal` aborts. */
export async function run(config: ProxyConfig, logger: Logger, signal: AbortSignal): Promise<void> {
  const client = createApiClient({
    apiservers: config.api.apiservers,
    security: config.api,
    fieldManager: 'kube-proxy',
  });
  const services = createInformer({ client: client.of<Service>(resourceOfKind('v1', 'Service')!), logger });
  const slices = createInformer({
    client: client.of<EndpointSlice>(resourceOfKind('discovery.k8s.io/v1', 'EndpointSlice')!),
    logger,
  });
  const backend =
    config.mode === 'nftables' ? createNftablesBackend(config.clusterCIDR) : createUserspaceBackend(logger);

  const changed = createBell();
  services.onChange(changed.ring);
  slices.onChange(changed.ring);
  signal.addEventListener('abort', changed.ring, { once: true });
  const informers = [services.run(signal), slices.run(signal)];
  if ((await services.waitForSync(signal)) && (await slices.waitForSync(signal))) {
    logger.info({ node: config.nodeName, mode: config.mode }, 'proxying');
    await syncLoop(backend, () => serviceTable(services.list(), slices.list()), changed, logger, signal);
  }
  await Promise.all(informers);
  await backend.close();
  client.close();
}

async function syncLoop(
  backend: ProxyBackend,
  table: () => ReturnType<typeof serviceTable>,
  changed: Bell,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await backend.sync(table());
    } catch (error) {
      logger.error({ err: error }, 'cannot apply the Services, again in a moment');
      await sleep(proxyLimits.retryDelayMs);
      continue;
    }
    await changed.next();
    await sleep(proxyLimits.syncDelayMs);
  }
}

interface Bell {
  readonly ring: () => void;
  /** Resolves when it rang since the last call. */
  next(): Promise<void>;
}

function createBell(): Bell {
  let rung = false;
  let wake: (() => void) | null = null;
  return {
    ring: () => {
      rung = true;
      wake?.();
    },
    next: async () => {
      if (!rung) await new Promise<void>((resolve) => (wake = resolve));
      rung = false;
      wake = null;
    },
  };
}
