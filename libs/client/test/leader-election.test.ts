import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ApiClient } from '../src/api-client.js';
import { runLeaderElected, validateLeaderElection } from '../src/leader-election.js';
import { acquired, freeAtMs, released } from '../src/lease-record.js';
import { connect, silent } from './support/client.js';
import { startMemoryApiserver, type MemoryApiserver } from './support/memory-apiserver.js';
import { until } from './support/until.js';

const leaseRef = {
  group: 'coordination.k8s.io',
  version: 'v1',
  resource: 'leases',
  namespace: 'kube-system',
  name: 'test',
  subresource: '',
};

describe('lease record', () => {
  it('is never judged by the times it carries, only by when it was seen to change', () => {
    const spec = acquired(undefined, 'other', 4_000, Date.UTC(1999, 0, 1));
    expect(freeAtMs(spec, 10_000, 'me')).toBe(14_000);
    expect(freeAtMs(spec, 10_000, 'other')).toBe(10_000);
    expect(freeAtMs(released(spec, 0), 10_000, 'me')).toBe(10_000);
  });

  it('counts a transition when the holder changes, also after a release', () => {
    const first = acquired(undefined, 'a', 4_000, 0);
    expect(first.leaseTransitions).toBe(0);
    expect(acquired(first, 'a', 4_000, 1).leaseTransitions).toBe(0);
    const free = released(first, 1);
    expect(free.holderIdentity).toBeUndefined();
    expect(acquired(free, 'b', 4_000, 1).leaseTransitions).toBe(1);
    expect(first.renewTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  });

  it('refuses timings under which two could lead', () => {
    const config = { leaseNamespace: 'n', leaseName: 'l', identity: 'i' };
    const timings = { leaseDurationMs: 3_000, renewDeadlineMs: 3_000, retryPeriodMs: 1_000 };
    expect(() => validateLeaderElection({ ...config, ...timings })).toThrow(RangeError);
    expect(() => validateLeaderElection({ ...config, ...timings, leaseDurationMs: 4_000 })).not.toThrow();
  });
});

describe('leader election', () => {
  let servers: MemoryApiserver[];
  let candidates: { client: ApiClient; stop: AbortController; running: Promise<void>; work: AbortSignal[] }[];
  let leading: Set<string>;

  beforeEach(async () => {
    servers = [];
    candidates = [];
    leading = new Set();
    const first = await startMemoryApiserver();
    servers.push(first, await startMemoryApiserver(first.store));
  });
  afterEach(async () => {
    for (const { stop } of candidates) stop.abort();
    await Promise.all(candidates.map(({ running }) => running));
    for (const { client } of candidates) client.close();
    for (const server of servers) await server.close();
  });

  /** A Lease that does not run out while a test lasts, however busy the machine is: who leads next was let. */
  const patient = { leaseDurationMs: 120_000, renewDeadlineMs: 90_000, retryPeriodMs: 100 };
  const hasty = { leaseDurationMs: 1_000, renewDeadlineMs: 700, retryPeriodMs: 300 };
  /** Candidate n talks to apiserver n alone, so that a test can cut it off. */
  const join = (identity: string, timings = patient): (typeof candidates)[number] => {
    const client = connect(servers[candidates.length]!.address);
    const stop = new AbortController();
    const work: AbortSignal[] = [];
    const config = { leaseNamespace: 'kube-system', leaseName: 'test', identity, ...timings };
    const running = runLeaderElected(
      {
        config,
        client,
        logger: silent,
        work: async (signal) => {
          leading.add(identity);
          work.push(signal);
          await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
          leading.delete(identity);
        },
      },
      stop.signal,
    );
    const candidate = { client, stop, running, work };
    candidates.push(candidate);
    return candidate;
  };
  const holder = (): unknown =>
    (servers[0]!.store.get(leaseRef)['spec'] as { holderIdentity: string }).holderIdentity;

  it('one leads; when it stops, the lease is released and the other takes over at once', async () => {
    const first = join('a');
    await until(() => leading.has('a'), 'a leads');
    join('b');
    await until(() => (servers[1]!.calls.get('watch leases') ?? 0) > 0, 'b watches the lease');
    expect([...leading]).toEqual(['a']);
    first.stop.abort();
    await until(() => leading.has('b'), 'b leads');
    expect(holder()).toBe('b');
  });

  it('a leader that is cut off stops before the other begins', async () => {
    const first = join('a', hasty);
    await until(() => leading.has('a'), 'a leads');
    join('b', hasty);
    await until(() => (servers[1]!.calls.get('watch leases') ?? 0) > 0, 'b watches the lease');
    servers[0]!.fail = () => 'hang';
    let both = false;
    await until(() => {
      both ||= leading.size > 1;
      return leading.has('b');
    }, 'b leads');
    expect(both).toBe(false);
    expect(first.work[0]?.aborted).toBe(true);
    servers[0]!.fail = undefined;
  });

  it('survives a short outage and a foreign write to its lease without losing office', async () => {
    const first = join('a');
    await until(() => leading.has('a'), 'a leads');
    servers[0]!.fail = (verb) => (verb === 'update' ? new Error('no leader') : undefined);
    await until(() => (servers[0]!.calls.get('update leases') ?? 0) >= 2, 'renewals failed');
    servers[0]!.fail = undefined;
    const lease = servers[0]!.store.get(leaseRef);
    servers[0]!.store.update(leaseRef, {
      ...lease,
      metadata: { ...lease.metadata, labels: { edited: 'by-hand' } },
    });
    const renewed = (): string =>
      (servers[0]!.store.get(leaseRef)['spec'] as { renewTime: string }).renewTime;
    const before = renewed();
    await until(() => renewed() > before, 'the lease is renewed again');
    expect(first.work[0]?.aborted).toBe(false);
    expect(first.work).toHaveLength(1);
  });

  it('only reads while another leads: candidates neither write nor poll', async () => {
    join('a');
    await until(() => leading.has('a'), 'a leads');
    join('b');
    await until(() => (servers[0]!.calls.get('update leases') ?? 0) >= 6, 'a renewed six times');
    expect(servers[1]!.calls.get('update leases') ?? 0).toBe(0);
    expect(servers[1]!.calls.get('get leases') ?? 0).toBe(0);
    expect(servers[1]!.calls.get('list leases')).toBe(1);
  });
});
