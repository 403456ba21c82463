import { setTimeout as pause } from 'node:timers/promises';
import { ApiError } from '@raftsman/api';
import type { Logger } from '@raftsman/telemetry';
import { limits } from '../limits.js';
import { noDeleteOptions } from '../registry/delete-options.js';
import type { Core } from '../registry/core.js';
import { ensure, self, targetOf } from './bootstrap.js';
import type { MasterLeases } from './master-lease.js';
import { apiserverSlice, managedBy, sliceName } from './objects.js';

export interface Registration {
  readonly core: Core;
  readonly leases: MasterLeases;
  readonly address: string;
  readonly port: number;
  readonly logger: Logger;
}

/** Keeps this apiserver among the endpoints of the `kubernetes` Service, and drops those that are gone, until `signal` aborts. */
export async function keepRegistered(registration: Registration, signal: AbortSignal): Promise<void> {
  const { logger } = registration;
  while (!signal.aborted) {
    await registerOnce(registration).catch((error: unknown) => {
      if (!signal.aborted)
        logger.warn({ err: error }, 'could not refresh the kubernetes endpoints; tried again');
    });
    await pause(limits.masterRefreshMs, undefined, { signal, ref: false }).catch(() => undefined); // aborted: we stop
  }
}

async function registerOnce({ core, leases, address, port }: Registration): Promise<void> {
  const own = apiserverSlice(address, port);
  await leases.refresh(sliceName(address, port));
  await ensure(core, own);
  const live = await leases.live();
  const [label] = Object.entries(managedBy);
  const { resource } = targetOf(own);
  const listed = await core.list(
    self,
    { resource, namespace: 'default', name: '', subresource: '' },
    {
      labelSelector: label!.join('='),
      fieldSelector: '',
      resourceVersion: '0',
      resourceVersionMatch: '',
      limit: 0,
      continueToken: '',
    },
  );
  for (const slice of listed.items) {
    if (!live.has(slice.metadata.name ?? '')) await drop(core, slice.metadata.name!, resource);
  }
}

async function drop(
  core: Core,
  name: string,
  resource: ReturnType<typeof targetOf>['resource'],
): Promise<void> {
  const target = { resource, namespace: 'default', name, subresource: '' };
  await core.delete(self, target, noDeleteOptions).catch((error: unknown) => {
    if (!(error instanceof ApiError && error.code === 404)) throw error;
  });
}

/** At shutdown: the next balancer that looks does not find us. */
export async function unregister({ core, leases, address, port }: Registration): Promise<void> {
  const { resource } = targetOf(apiserverSlice(address, port));
  await leases.release(sliceName(address, port));
  await drop(core, sliceName(address, port), resource);
}
