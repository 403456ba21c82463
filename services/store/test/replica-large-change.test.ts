import { Journal } from '@raftsman/journal';
import { encodeCommand, versionsOf, type Command } from '@raftsman/mvcc';
import { configurationOf, logIndex, memberId, term, type Entry } from '@raftsman/raft';
import { createLogger } from '@raftsman/telemetry';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createStateMachine, type EtcdStateMachine } from '../src/etcd/index.js';
import { storeLimits } from '../src/limits.js';
import { Applier } from '../src/replica/applier.js';
import { encodeEnvelope } from '../src/replica/envelope.js';
import { Proposals } from '../src/replica/proposals.js';
import { Reads } from '../src/replica/reads.js';
import { temporaryDirectory } from './replica-fixture.js';

const self = memberId(1);
const keyCount = 3 * storeLimits.recordRowsPerSlice;

const entry = (index: number, command: Command): Entry => {
  const payload = Buffer.from(encodeCommand(command));
  const data = encodeEnvelope({ origin: memberId(2), incarnation: 1, request: index, payload });
  return { index: logIndex(index), term: term(1), type: 'normal', data };
};

const put = (at: number) =>
  ({
    kind: 'put',
    key: `k${String(at).padStart(6, '0')}`,
    value: 'v',
    lease: 0n,
    prevKv: false,
    ignoreValue: false,
    ignoreLease: false,
  }) as const;

const fill = entry(1, {
  kind: 'txn',
  compare: [],
  success: Array.from({ length: keyCount }, (_, at) => put(at)),
  failure: [],
});
const clear = entry(2, { kind: 'delete-range', key: 'k', rangeEnd: 'l', prevKv: false });

async function openJournal(directory: string): Promise<Journal> {
  const journal = await Journal.open(
    directory,
    { memberId: self, clusterId: 9, name: 'a' },
    configurationOf([self]),
  );
  onTestFinished(() => journal.close());
  return journal;
}

function applierOf(stateMachine: EtcdStateMachine, journal: Journal): Applier {
  return new Applier({
    stateMachine,
    journal,
    proposals: new Proposals({ origin: self, incarnation: 1, timeoutMs: 60_000 }),
    reads: new Reads({ timeoutMs: 60_000 }),
    logger: createLogger({ component: 'test', level: 'silent' }),
    onConfiguration: () => undefined,
  });
}

/** Keys that live, and keys that are remembered. */
function counted({ store }: EtcdStateMachine): { readonly live: number; readonly versions: number } {
  let versions = 0;
  store.space.index.scan('', null, (history) => (versions += versionsOf(history).length) > 0);
  return { live: store.space.index.countLive('', null), versions };
}

test('an entry of many changes is seen whole, and reaches the disk whole while others run', async () => {
  const journal = await openJournal(await temporaryDirectory());
  const hardState = { term: term(1), vote: null, commit: logIndex(2) };
  await journal.write({ entries: [fill, clear], hardState, install: null, sync: true });
  const stateMachine = createStateMachine();
  const seen: { readonly live: number; readonly onDisk: number }[] = [];
  const recordSome = vi.spyOn(journal, 'recordSome');
  const applied = applierOf(stateMachine, journal).apply([fill, clear]);
  let isApplying = true;
  applied.finally(() => (isApplying = false)).catch(() => undefined);
  while (isApplying) {
    await journal.flush();
    seen.push({ live: counted(stateMachine).live, onDisk: journal.durableState.index });
    await new Promise((resolve) => setImmediate(resolve));
  }
  await applied;
  expect(recordSome.mock.calls.length).toBeGreaterThanOrEqual(4);
  for (const { live } of seen) expect([0, keyCount]).toContain(live);
  await journal.flush();
  expect(journal.durableState.index).toBe(2);

  const restored = createStateMachine();
  await restored.restore(journal.rowBatches());
  expect(counted(restored)).toEqual({ live: 0, versions: 2 * keyCount });
  expect([...restored.rows()]).toEqual([...stateMachine.rows()]);
});
