import { setTimeout as sleep } from 'node:timers/promises';
import { adminCall, ApiRefusal } from '../cluster/admin.js';
import type { ClusterAt } from '../cluster/members.js';

/** Writes a ConfigMap through the gateway without a pause and notes when each write was accepted. */
export interface SteadyWriter {
  /** The longest time between two accepted writes since `sinceMs` (performance.now()), counting the one that is still going on. */
  longestGapMs(sinceMs: number): number;
  /** Resolves with the first write accepted that began after `sinceMs`. */
  firstAcceptedAfter(sinceMs: number): Promise<number>;
  accepted(): number;
  stop(): Promise<void>;
}

const attemptTimeoutMs = 250;
const pauseMs = 5;

export async function startSteadyWriter(at: ClusterAt, name: string): Promise<SteadyWriter> {
  const path = `/api/v1/namespaces/default/configmaps/${name}`;
  const acceptedMs: number[] = [];
  let stopped = false;
  let counter = 0;

  const write = async (): Promise<void> => {
    counter += 1;
    const text = JSON.stringify({ data: { counter: String(counter) } });
    await adminCall(
      at,
      { method: 'PATCH', path, body: { contentType: 'application/merge-patch+json', text } },
      attemptTimeoutMs,
    );
  };
  const configMap = JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: {} });
  await adminCall(at, {
    method: 'POST',
    path: '/api/v1/namespaces/default/configmaps',
    body: { contentType: 'application/json', text: configMap },
  }).catch((error: unknown) => {
    if (!(error instanceof ApiRefusal) || error.code !== 409) throw error;
  });
  const loop = async (): Promise<void> => {
    while (!stopped) {
      // A refused or lost write is what this measures: the gap between accepted ones.
      await write().then(
        () => acceptedMs.push(performance.now()),
        () => undefined,
      );
      await sleep(pauseMs);
    }
  };
  const running = loop();

  return {
    longestGapMs: (sinceMs) => {
      const before = acceptedMs.filter((ms) => ms < sinceMs).at(-1) ?? sinceMs;
      const times = [
        before,
        ...acceptedMs.filter((ms) => ms >= sinceMs),
        ...(stopped ? [] : [performance.now()]),
      ];
      return times.slice(1).reduce((longest, ms, i) => Math.max(longest, ms - times[i]!), 0);
    },
    firstAcceptedAfter: async (sinceMs) => {
      const seen = (): number | undefined => acceptedMs.find((ms) => ms > sinceMs + attemptTimeoutMs);
      while (seen() === undefined) await sleep(pauseMs);
      return seen()!;
    },
    accepted: () => acceptedMs.length,
    stop: async () => {
      stopped = true;
      await running;
    },
  };
}
