import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiError, type KubeObject } from '@raftsman/api';
import { createHolderSilence } from '../src/holder-silence.js';
import { runLeaderElected, type LeaderBeats } from '../src/leader-election.js';
import type { Clock } from '../src/clock.js';
import { silent } from './support/client.js';
import { createMemoryClient, type MemoryClient } from './support/memory-client.js';
import { MemoryStore } from './support/memory-store.js';
import { createVirtualClock, type VirtualClock } from './support/virtual-clock.js';

const leaseRef = {
  group: 'coordination.k8s.io',
  version: 'v1',
  resource: 'leases',
  namespace: 'kube-system',
  name: 'test',
  subresource: '',
};

interface Candidate {
  readonly memory: MemoryClient;
  readonly stop: AbortController;
  readonly running: Promise<void>;
  readonly identity: string;
  /** Its process does not run: no timer fires. */
  frozen: boolean;
  linkUp: boolean;
  /** Its link works, but what it says reaches nobody: a broken route between NATS servers. */
  muted: boolean;
  leading: boolean;
  terms: number;
}

/** Two or three processes, one Lease, one bus; each process can be frozen, lose the bus, or lose the API. */
describe('leader election with beats', () => {
  let clock: VirtualClock;
  let store: MemoryStore;
  let candidates: Candidate[];
  let ears: {
    readonly of: () => Candidate;
    readonly hear: (beat: Parameters<LeaderBeats['send']>[0]) => void;
  }[];

  beforeEach(() => {
    clock = createVirtualClock();
    store = new MemoryStore();
    candidates = [];
    ears = [];
  });
  afterEach(async () => {
    for (const candidate of candidates) {
      candidate.memory.fail = undefined;
      candidate.frozen = false;
      candidate.stop.abort();
    }
    await clock.advance(20_000);
    await Promise.all(candidates.map(({ running }) => running));
  });

  /** A frozen process runs what fell due as soon as it goes on. */
  const clockOf = (of: () => Candidate): Clock => ({
    ...clock,
    after: (delayMs, callback) => {
      let cancel = (): void => {};
      const fire = (): void => {
        if (of().frozen) cancel = clock.after(50, fire);
        else callback();
      };
      cancel = clock.after(delayMs, fire);
      return () => cancel();
    },
  });
  const busOf = (of: () => Candidate): LeaderBeats => ({
    send: (beat) => {
      if (of().linkUp && !of().muted)
        for (const ear of ears) if (ear.of().linkUp && !ear.of().frozen) ear.hear(beat);
    },
    healthy: () => of().linkUp,
    onBeat: (hear) => {
      const ear = { of, hear };
      ears.push(ear);
      return () => void ears.splice(ears.indexOf(ear), 1);
    },
  });
  const join = (identity: string): Candidate => {
    const of = (): Candidate => candidate;
    const memory = createMemoryClient(store, leaseRef);
    const stop = new AbortController();
    const work = async (signal: AbortSignal): Promise<void> => {
      candidate.leading = true;
      candidate.terms += 1;
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      candidate.leading = false;
    };
    const timings = { leaseDurationMs: 4_000, renewDeadlineMs: 3_000, retryPeriodMs: 1_500 };
    const config = { leaseNamespace: 'kube-system', leaseName: 'test', identity, ...timings };
    const election = { config, client: memory.client, logger: silent, work };
    const candidate: Candidate = {
      memory,
      stop,
      identity,
      frozen: false,
      linkUp: true,
      muted: false,
      leading: false,
      terms: 0,
      running: Promise.resolve().then(() =>
        runLeaderElected({ ...election, clock: clockOf(of), beats: busOf(of) }, stop.signal),
      ),
    };
    candidates.push(candidate);
    return candidate;
  };
  const spec = (): { holderIdentity: string; leaseDurationSeconds: number } =>
    (store.get(leaseRef) as KubeObject & { spec: ReturnType<typeof spec> }).spec;
  /** `a` leads for a while and the others have heard it. */
  const settled = async (...others: string[]): Promise<Candidate[]> => {
    const all = [join('a')];
    await clock.advance(100);
    for (const name of others) all.push(join(name));
    await clock.advance(30_000);
    expect(all.map(({ leading }) => leading)).toEqual([true, ...others.map(() => false)]);
    return all;
  };
  /** Milliseconds of virtual time until the condition holds. */
  const timeUntil = async (condition: () => boolean, maxMs = 20_000): Promise<number> => {
    const startMs = clock.monotonicMs();
    while (!condition() && clock.monotonicMs() - startMs < maxMs) await clock.advance(50);
    return clock.monotonicMs() - startMs;
  };

  it('writes the Lease every 10 s while beats work', async () => {
    const [a] = await settled('b');
    const before = a!.memory.updates;
    await clock.advance(100_000);
    expect(a!.memory.updates - before).toBe(10);
    expect(spec().leaseDurationSeconds).toBe(15);
  });

  it.each([0, 3_700, 9_900])('replaces a leader that dies %i ms into the pause within 4 s', async (ms) => {
    const [a, b] = await settled('b');
    await clock.advance(ms);
    a!.frozen = true;
    const tookMs = await timeUntil(() => b!.leading);
    expect(tookMs).toBeGreaterThan(2_400);
    expect(tookMs).toBeLessThanOrEqual(4_000);
  });

  it('lets one of two candidates win', async () => {
    const [a, b, c] = await settled('b', 'c');
    a!.frozen = true;
    await timeUntil(() => b!.leading || c!.leading);
    await clock.advance(60_000);
    expect(b!.terms + c!.terms).toBe(1);
  });

  it('stops a leader that was replaced while it stood still, at once', async () => {
    const [a, b] = await settled('b');
    a!.frozen = true;
    await timeUntil(() => b!.leading);
    a!.frozen = false;
    expect(await timeUntil(() => !a!.leading)).toBeLessThanOrEqual(100);
    await clock.advance(30_000);
    expect([a!.leading, b!.leading]).toEqual([false, true]);
    expect(spec().holderIdentity).toBe('b');
  });

  it('renews quickly when NATS is gone for all, and nobody is replaced', async () => {
    const [a, b] = await settled('b');
    a!.linkUp = b!.linkUp = false;
    const before = a!.memory.updates;
    await clock.advance(60_000);
    expect(a!.memory.updates - before).toBeGreaterThanOrEqual(39);
    expect(spec().leaseDurationSeconds).toBe(4);
    expect([a!.terms, b!.terms]).toEqual([1, 0]);
    a!.frozen = true;
    expect(await timeUntil(() => b!.leading)).toBeLessThanOrEqual(4_100);
  });

  it('goes back to rare writes when NATS is back, and nobody is replaced', async () => {
    const [a, b] = await settled('b');
    for (let round = 0; round < 5; round += 1) {
      a!.linkUp = b!.linkUp = false;
      await clock.advance(9_300);
      b!.linkUp = true;
      await clock.advance(7_000);
      a!.linkUp = true;
      await clock.advance(11_000);
    }
    expect([a!.terms, b!.terms]).toEqual([1, 0]);
    const before = a!.memory.updates;
    await clock.advance(50_000);
    expect(a!.memory.updates - before).toBe(5);
  });

  it('keeps a leader whose own link alone is down', async () => {
    const [a, b] = await settled('b');
    a!.linkUp = false;
    await clock.advance(60_000);
    expect([a!.terms, b!.terms]).toEqual([1, 0]);
    a!.frozen = true;
    expect(await timeUntil(() => b!.leading)).toBeLessThanOrEqual(4_100);
  });

  it('makes a deaf candidate wait for the Lease to run out', async () => {
    const [a, b] = await settled('b');
    b!.linkUp = false;
    await clock.advance(60_000);
    expect([a!.terms, b!.terms]).toEqual([1, 0]);
    await clock.advance(500);
    a!.frozen = true;
    expect(await timeUntil(() => b!.leading)).toBeGreaterThan(4_500);
    expect(b!.leading).toBe(true);
  });

  it('replaces a dead holder that nobody alive has heard, as after a power cut', async () => {
    const [a] = await settled();
    a!.frozen = true;
    const b = join('b');
    const tookMs = await timeUntil(() => b.leading);
    expect(tookMs).toBeGreaterThanOrEqual(3_000);
    expect(tookMs).toBeLessThanOrEqual(4_000);
  });

  it('leaves a living holder alone when candidates start', async () => {
    const [a] = await settled();
    for (const name of ['b', 'c', 'd']) join(name);
    await clock.advance(60_000);
    expect(candidates.map(({ terms }) => terms)).toEqual([1, 0, 0, 0]);
    expect(a!.leading).toBe(true);
  });

  it('changes leaders once, not for ever, when beats do not reach the others', async () => {
    const [a, b] = await settled('b');
    a!.muted = b!.muted = true;
    // A write of the Lease on the way counts as a sign of life, and silence begins anew.
    expect(await timeUntil(() => b!.leading)).toBeLessThanOrEqual(7_000);
    await clock.advance(120_000);
    expect([a!.terms, b!.terms]).toEqual([1, 1]);
    b!.frozen = true;
    expect(await timeUntil(() => a!.terms === 2)).toBeLessThanOrEqual(15_600);
  });

  it('holds its own standstill against nobody', async () => {
    const [a, b] = await settled('b');
    for (let round = 0; round < 5; round += 1) {
      b!.frozen = true;
      await clock.advance(8_000);
      b!.frozen = false;
      await clock.advance(3_000);
    }
    expect([a!.terms, b!.terms]).toEqual([1, 0]);
  });

  it('replaces a leader that cannot write the Lease, also if it still beats', async () => {
    const [a, b] = await settled('b');
    a!.memory.fail = new ApiError({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'no way to the apiserver',
      reason: 'ServiceUnavailable',
      code: 503,
    });
    expect(await timeUntil(() => b!.leading)).toBeLessThanOrEqual(14_500);
    expect(await timeUntil(() => !a!.leading)).toBeLessThanOrEqual(13_000);
  });
});

describe('silence of a holder', () => {
  it('needs a beat first, counts writes as signs, and takes no late beat for one', () => {
    const silence = createHolderSilence(0, false);
    silence.leaseSeen('a', 0);
    for (let ms = 0; ms <= 5_000; ms += 500) expect(silence.evaluate(ms, true)).toBe(false);
    silence.beatHeard('a', 2, 5_000);
    silence.beatHeard('stranger', 9, 7_000);
    silence.beatHeard('a', 1, 7_000);
    for (let ms = 5_500; ms < 8_000; ms += 500) expect(silence.evaluate(ms, true)).toBe(false);
    expect(silence.evaluate(8_000, true)).toBe(true);
    silence.leaseSeen('a', 8_100);
    expect(silence.evaluate(8_500, true)).toBe(false);
    silence.leaseSeen('b', 8_600);
    for (let ms = 9_000; ms <= 15_000; ms += 500) expect(silence.evaluate(ms, true)).toBe(false);
  });

  it('of one that a newcomer finds needs no beat, of the next one it does', () => {
    const silence = createHolderSilence(0, true);
    silence.leaseSeen('a', 0);
    for (let ms = 500; ms < 3_000; ms += 500) expect(silence.evaluate(ms, true)).toBe(false);
    expect(silence.evaluate(3_000, true)).toBe(true);
    silence.leaseSeen('b', 3_100);
    for (let ms = 3_500; ms <= 9_000; ms += 500) expect(silence.evaluate(ms, true)).toBe(false);
  });

  it('does not count deafness', () => {
    const silence = createHolderSilence(0, false);
    silence.leaseSeen('a', 0);
    silence.beatHeard('a', 1, 0);
    for (let ms = 500; ms <= 10_000; ms += 500) expect(silence.evaluate(ms, false)).toBe(false);
    for (let ms = 10_500; ms < 13_000; ms += 500) expect(silence.evaluate(ms, true)).toBe(false);
    expect(silence.evaluate(13_000, true)).toBe(true);
  });
});
