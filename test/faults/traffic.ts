import { setTimeout as sleep } from 'node:timers/promises';
import { status, type ServiceError } from '@grpc/grpc-js';
import type { CompactionResponse__Output } from '@raftsman/proto/gen/etcdserverpb/CompactionResponse.js';
import type { LeaseGrantResponse__Output } from '@raftsman/proto/gen/etcdserverpb/LeaseGrantResponse.js';
import type { LeaseKeepAliveResponse__Output } from '@raftsman/proto/gen/etcdserverpb/LeaseKeepAliveResponse.js';
import type { KvOutput, RangeInput, RangeOutput, StepInput } from '@raftsman/faults';
import { call, isReady, isRefusal, reasonOf, type Connection } from './client.js';
import type { Run } from './run.js';
import { revisionOf, send, sendRange, type Request } from './wire.js';

/** Bounds of one run's traffic. */
export const trafficLimits = {
  requestTimeoutMs: 500,
  compactEveryMs: 200,
  /** A compaction stays this far behind what the observers have. */
  compactBehindMax: 400,
  keys: 10,
  leaseTtlSecondsMin: 2,
  leaseTtlSecondsMax: 6,
} as const;

interface Client {
  readonly run: Run;
  readonly process: number;
  readonly connect: () => Connection;
  /** The lease that it attaches keys to; a new one after each revocation. */
  lease: string | null;
}

type Action = (client: Client, connection: Connection) => Promise<unknown>;

/** Weights as in etcd's robustness tests, with a transaction of four operations and stale reads. */
const actions: readonly (readonly [weight: number, name: string, action: Action])[] = [
  [15, 'get', (client, connection) => perform(client, connection, { op: 'range', key: keyOf(client.run) })],
  [15, 'list', (client, connection) => perform(client, connection, list(client.run))],
  [
    10,
    'stale get',
    (client, connection) => staleRead(client, connection, { op: 'range', key: keyOf(client.run) }),
  ],
  [10, 'stale list', (client, connection) => staleRead(client, connection, list(client.run))],
  [25, 'put', (client, connection) => perform(client, connection, put(client))],
  [
    5,
    'delete',
    (client, connection) => perform(client, connection, { op: 'delete', key: keyOf(client.run) }),
  ],
  [2, 'delete range', deleteRange],
  [5, 'txn', transaction],
  [8, 'compare-and-swap', compareAndSwap],
  [6, 'put with lease', putWithLease],
  [3, 'revoke', revoke],
];
const weights = actions.reduce((sum, [weight]) => sum + weight, 0);

/** Calls one operation after the other, on one member or (`cluster`) on any, about every `everyMs`, until told to stop. */
export async function client(run: Run, process: number, everyMs: number, signal: AbortSignal): Promise<void> {
  const { all } = run.members;
  const isOfCluster = process % 4 === 3;
  const home = all[process % all.length]!;
  const state: Client = {
    run,
    process,
    connect: () => run.connection(isOfCluster ? run.random.pick(all) : home),
    lease: null,
  };
  while (!signal.aborted) {
    const dueMs = run.now() + everyMs * (0.5 + run.random.below(1_000) / 1_000);
    const connection = state.connect();
    if (await isReady(connection, trafficLimits.requestTimeoutMs)) await step(state, connection);
    await sleep(Math.max(1, dueMs - run.now()), undefined, { signal }).catch(() => undefined);
  }
}

function step(client: Client, connection: Connection): Promise<unknown> {
  let dice = client.run.random.below(weights);
  const [, name, action] = actions.find(([weight]) => (dice -= weight) < 0)!;
  client.run.count(name);
  return action(client, connection);
}

/** Sends and records one operation; its output if it was answered. */
export async function perform<Output extends KvOutput>(
  { run, process }: Pick<Client, 'run' | 'process'>,
  connection: Connection,
  input: Request,
  timeoutMs: number = trafficLimits.requestTimeoutMs,
): Promise<Output | undefined> {
  const progress = run.expectProgress(connection.member);
  const operation = run.recorder.invoke(process, input);
  try {
    const output = await send(connection, input, timeoutMs);
    operation.ok(output);
    progress(output.revision);
    run.count('answered');
    return output as Output;
  } catch (error) {
    run.count(isRefusal(error) ? 'refused' : 'unknown');
    if (isRefusal(error)) operation.fail(reasonOf(error));
    else operation.unknown(reasonOf(error));
    return undefined;
  }
}

const keyOf = ({ random, prefix }: Run): string => `${prefix}k${random.below(trafficLimits.keys)}`;
const list = ({ random, prefix }: Run): RangeInput => ({
  op: 'range',
  key: prefix,
  end: `${prefix.slice(0, -1)}0`,
  limit: random.pick([0, 0, 3]),
});
const put = ({ run, process }: Client) =>
  ({ op: 'put', key: keyOf(run), value: run.uniqueValue(process) }) as const;

async function staleRead({ run }: Client, connection: Connection, input: RangeInput): Promise<void> {
  const revision = run.random.chance(0.3) ? 0 : Math.max(1, run.truth.newest - run.random.below(60));
  const startMs = run.now();
  const progress = run.expectProgress(connection.member);
  const { name: member } = connection.member;
  const options = { revision, serializable: true };
  try {
    const output: RangeOutput = await sendRange(connection, input, options, trafficLimits.requestTimeoutMs);
    progress(output.revision);
    run.staleReads.push({
      member,
      startMs,
      endMs: run.now(),
      input,
      revision,
      outcome: { kind: 'ok', output },
    });
    run.count('answered');
  } catch (error) {
    const { code, details } = error as ServiceError;
    if (code === status.OUT_OF_RANGE && details.includes('compacted'))
      run.staleReads.push({
        member,
        startMs,
        endMs: run.now(),
        input,
        revision,
        outcome: { kind: 'compacted' },
      });
  }
}

async function deleteRange(client: Client, connection: Connection): Promise<void> {
  const { run } = client;
  const from = run.random.below(trafficLimits.keys - 2);
  const [key, end] = [`${run.prefix}k${from}`, `${run.prefix}k${from + 2}`];
  await perform(client, connection, { op: 'delete', key, end });
}

/** Four operations on different keys: two puts, a deletion, a read, in any order, under a condition that may be false. */
async function transaction(client: Client, connection: Connection): Promise<void> {
  const { run, process } = client;
  const { random, prefix } = run;
  const [a, b, c, d] = random
    .shuffled(Array.from({ length: trafficLimits.keys }, (_, i) => `${prefix}k${i}`))
    .slice(0, 4) as [string, string, string, string];
  const success: readonly StepInput[] = random.shuffled<StepInput>([
    { op: 'put', key: a, value: run.uniqueValue(process) },
    { op: 'put', key: b, value: run.uniqueValue(process) },
    { op: 'delete', key: c },
    { op: 'range', key: d },
  ]);
  const compares = random.chance(0.3) ? [{ key: a, modRevision: 0 }] : [];
  await perform(client, connection, { op: 'txn', compares, success, failure: [{ op: 'range', key: a }] });
}

async function compareAndSwap(client: Client, connection: Connection): Promise<void> {
  const { run, process } = client;
  const key = keyOf(run);
  const read = await perform<RangeOutput>(client, connection, { op: 'range', key });
  if (read === undefined) return;
  const modRevision = read.kvs[0]?.modRevision ?? 0;
  const success: readonly StepInput[] =
    modRevision > 0 && run.random.chance(0.3)
      ? [{ op: 'delete', key }]
      : [{ op: 'put', key, value: run.uniqueValue(process) }];
  const failure: readonly StepInput[] = [{ op: 'range', key }];
  await perform(client, connection, { op: 'txn', compares: [{ key, modRevision }], success, failure });
}

async function putWithLease(client: Client, connection: Connection): Promise<void> {
  const { run } = client;
  client.lease ??= await grant(run, connection);
  if (client.lease === null) return;
  const written = await perform(client, connection, {
    ...put(client),
    key: `${run.prefix}l${client.process}`,
    lease: client.lease,
  });
  // Run out, perhaps.
  if (written === undefined) client.lease = null;
  else if (run.random.chance(0.5)) await renew(run, connection, client.lease);
}

async function grant(run: Run, { lease, member }: Connection): Promise<string | null> {
  const { leaseTtlSecondsMin, leaseTtlSecondsMax, requestTimeoutMs } = trafficLimits;
  const sentMs = run.now();
  const progress = run.expectProgress(member);
  const TTL = run.random.between(leaseTtlSecondsMin, leaseTtlSecondsMax);
  try {
    const response = await call<LeaseGrantResponse__Output>(requestTimeoutMs, (options, done) =>
      lease.LeaseGrant({ TTL }, options, done),
    );
    run.leases.granted(response.ID, sentMs, Number(response.TTL));
    progress(revisionOf(response));
    return response.ID;
  } catch {
    // Granted or not: nobody knows its id, and nothing hangs on it.
    run.count('grants lost');
    return null;
  }
}

function renew(run: Run, { lease }: Connection, ID: string): Promise<void> {
  return new Promise((resolve) => {
    const sentMs = run.now();
    const stream = lease.LeaseKeepAlive({ deadline: Date.now() + trafficLimits.requestTimeoutMs });
    stream.on('data', ({ TTL }: LeaseKeepAliveResponse__Output) => {
      if (Number(TTL) > 0) {
        run.leases.renewed(ID, sentMs);
        run.count('renewals');
      }
      stream.end();
    });
    stream.on('error', () => resolve());
    stream.on('end', () => resolve());
    stream.write({ ID });
  });
}

async function revoke(client: Client, connection: Connection): Promise<void> {
  const { lease, run } = client;
  if (lease === null) return;
  client.lease = null;
  run.leases.revokeAsked(lease, run.now());
  await perform(client, connection, { op: 'revoke', lease });
}

/** Compacts all the time, a little behind what the foremost observer has: nothing that the judges need goes unseen. */
export async function compact(run: Run, signal: AbortSignal): Promise<void> {
  const { compactEveryMs, compactBehindMax, requestTimeoutMs } = trafficLimits;
  let last = 0;
  while (!signal.aborted) {
    await sleep(compactEveryMs, undefined, { signal }).catch(() => undefined);
    const revision = run.truth.newest - run.random.below(compactBehindMax);
    if (revision <= last || revision < 2 || signal.aborted) continue;
    last = revision;
    const { kv } = run.connection(run.random.pick(run.members.all));
    run.compactions.push({ startMs: run.now(), revision });
    await call<CompactionResponse__Output>(requestTimeoutMs, (options, done) =>
      kv.Compact({ revision, physical: false }, options, done),
    ).then(
      () => run.count('compactions'),
      () => run.count('compactions lost'),
    );
  }
}
