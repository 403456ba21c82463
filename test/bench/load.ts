import { ChannelCredentials } from '@grpc/grpc-js';
import { loadService } from '@raftsman/wire';
import type { KVClient } from '@raftsman/proto/gen/etcdserverpb/KV.js';

const KV = loadService('etcd/rpc.proto', 'etcdserverpb.KV');

export const connectKV = (endpoint: string): KVClient =>
  new KV(endpoint, ChannelCredentials.createInsecure(), {
    'grpc.initial_reconnect_backoff_ms': 20,
    'grpc.max_reconnect_backoff_ms': 100,
    'grpc.use_local_subchannel_pool': 1,
  }) as unknown as KVClient;

export interface Latencies {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly errors: number;
}

export function summarize(latenciesMs: readonly number[], errors: number, elapsedMs: number): Latencies {
  const sorted = [...latenciesMs].sort((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { perSecond: (sorted.length / elapsedMs) * 1_000, p50Ms: at(0.5), p99Ms: at(0.99), errors };
}

type Call = (kv: KVClient, done: (error: unknown) => void) => void;

/** `clients` callers, each with one call on its way, spread over the members, for `durationMs`. Ten callers share a connection. */
export async function closedLoop(
  endpoints: readonly string[],
  clients: number,
  durationMs: number,
  call: Call,
): Promise<Latencies> {
  const count = endpoints.length * Math.max(1, Math.ceil(clients / endpoints.length / 10));
  const connections = Array.from({ length: count }, (_, i) => connectKV(endpoints[i % endpoints.length]!));
  const latenciesMs: number[] = [];
  let errors = 0;
  const startMs = performance.now();
  const caller = async (kv: KVClient): Promise<void> => {
    while (performance.now() - startMs < durationMs) {
      const sentMs = performance.now();
      await new Promise<void>((resolve) =>
        call(kv, (error) => {
          if (error) errors += 1;
          else latenciesMs.push(performance.now() - sentMs);
          resolve();
        }),
      );
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, i) => caller(connections[i % connections.length]!)));
  const elapsedMs = performance.now() - startMs;
  for (const connection of connections) connection.close();
  return summarize(latenciesMs, errors, elapsedMs);
}

/** Calls that come at a fixed rate, whether or not the earlier ones were answered: latency counts from when a call was due. */
export async function openLoop(
  endpoints: readonly string[],
  perSecond: number,
  durationMs: number,
  call: Call,
): Promise<Latencies> {
  const connections = Array.from({ length: 12 }, (_, i) => connectKV(endpoints[i % endpoints.length]!));
  const latenciesMs: number[] = [];
  let errors = 0;
  let open = 0;
  let begun = 0;
  const startMs = performance.now();
  const total = Math.round((perSecond * durationMs) / 1_000);
  while (begun < total) {
    const due = Math.min(total, Math.floor(((performance.now() - startMs) * perSecond) / 1_000));
    for (; begun < due; begun += 1) {
      const dueMs = startMs + (begun * 1_000) / perSecond;
      open += 1;
      call(connections[begun % connections.length]!, (error) => {
        open -= 1;
        if (error) errors += 1;
        else latenciesMs.push(performance.now() - dueMs);
      });
    }
    await pause(1);
  }
  while (open > 0) await pause(5);
  for (const connection of connections) connection.close();
  return summarize(latenciesMs, errors, performance.now() - startMs);
}

const value = Buffer.alloc(1_024, 'x');
let keys = 0;

/** One put of 1 KiB under one of 10,000 keys, as `etcdctl check perf` does. */
export const put: Call = (kv, done) => {
  keys = (keys + 1) % 10_000;
  kv.Put({ key: Buffer.from(`bench/${keys}`), value }, { deadline: Date.now() + 5_000 }, done);
};

/** One linearizable read of such a key. */
export const get: Call = (kv, done) => {
  keys = (keys + 1) % 10_000;
  kv.Range({ key: Buffer.from(`bench/${keys}`) }, { deadline: Date.now() + 5_000 }, done);
};

/** Such a read, of whatever the member that was asked has applied. */
export const getSerializable: Call = (kv, done) => {
  keys = (keys + 1) % 10_000;
  const request = { key: Buffer.from(`bench/${keys}`), serializable: true };
  kv.Range(request, { deadline: Date.now() + 5_000 }, done);
};

let turn = 0;
/** Four reads, then a write. */
export const mixed: Call = (kv, done) => {
  turn = (turn + 1) % 5;
  (turn === 0 ? put : get)(kv, done);
};

/** The longest time between two accepted writes, over members that stay, while `disturb` happens. */
export async function writeGapMs(endpoints: readonly string[], disturb: () => void): Promise<number> {
  const connections = endpoints.map(connectKV);
  const acceptedMs: number[] = [];
  let going = true;
  const writer = async (kv: KVClient, i: number): Promise<void> => {
    while (going) {
      await new Promise<void>((resolve) =>
        kv.Put(
          { key: Buffer.from(`gap/${i}`), value: Buffer.from('x') },
          { deadline: Date.now() + 300 },
          (error) => {
            if (!error) acceptedMs.push(performance.now());
            setTimeout(resolve, 2);
          },
        ),
      );
    }
  };
  const writers = connections.map(writer);
  while (acceptedMs.length < 50) await pause(10);
  const disturbedMs = performance.now();
  disturb();
  while (!acceptedMs.some((ms) => ms > disturbedMs + 400)) await pause(10);
  await pause(1_500);
  going = false;
  await Promise.all(writers);
  for (const connection of connections) connection.close();
  const times = acceptedMs.filter((ms) => ms >= disturbedMs - 200).sort((a, b) => a - b);
  return times.slice(1).reduce((longest, ms, i) => Math.max(longest, ms - times[i]!), 0);
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
