import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import type { CompactionResponse__Output } from '@raftsman/proto/gen/etcdserverpb/CompactionResponse.js';
import type { DefragmentResponse__Output } from '@raftsman/proto/gen/etcdserverpb/DefragmentResponse.js';
import {
  between,
  drop,
  kill,
  pause,
  type DeleteOutput,
  type KvOutput,
  type RangeOutput,
} from '@raftsman/faults';
import { eventually } from '../support/cluster.js';
import { call, isReady } from './client.js';
import { buildStore, inLab, writeAlong, type Lab } from './lab.js';
import type { Member } from './members.js';
import { allKeys, openWatch } from './watching.js';

beforeAll(buildStore, 120_000);

const everything = { op: 'range', ...allKeys } as const;

const compact = (lab: Lab, member: Member, revision: number, physical: boolean): Promise<unknown> =>
  call<CompactionResponse__Output>(5_000, (options, done) =>
    lab.connection(member).kv.Compact({ revision, physical }, options, done),
  );

/** Waits for the member to answer, linearizably. */
const whole = (lab: Lab, member: Member): Promise<RangeOutput> =>
  eventually(async () => {
    if (!(await isReady(lab.connection(member), 500))) throw new Error(`${member.name} is not reachable`);
    return lab.ask<RangeOutput>(member, everything);
  });

async function killAndStart(lab: Lab, member: Member): Promise<void> {
  const id = await lab.ledger.inject(() => kill(member));
  await lab.ledger.undo(id);
}

/** Until so many more writes are acknowledged. */
const moreWrites = (load: ReturnType<typeof writeAlong>, count: number): Promise<void> => {
  const target = load.acknowledged.size + count;
  return eventually(() => {
    if (load.acknowledged.size < target) throw new Error(`${load.acknowledged.size} of ${target} writes`);
  });
};

/** etcd's track record (its tests/robustness/README), each as a test of ours; the numbers are etcd-io/etcd's issues. */
describe('bugs that etcd had, on real processes', { timeout: 120_000 }, () => {
  it('a write that a single member acknowledged is lost in a crash (#14370)', async () => {
    await inLab({ size: 1 }, async (lab) => {
      const [only] = lab.members as [Member];
      for (let round = 0; round < 3; round += 1) {
        const load = writeAlong(lab, [only], `s/${round}/`);
        await moreWrites(load, 50);
        await killAndStart(lab, only);
        await load.stop();
        const { kvs } = await whole(lab, only);
        const held = new Map(kvs.map((kv) => [kv.key, kv]));
        expect(load.acknowledged.size).toBeGreaterThan(49);
        for (const [key, { value, revision }] of load.acknowledged)
          expect(held.get(key)).toMatchObject({ value, modRevision: revision });
      }
    });
  });

  it('members disagree about a revision after a crash under load, also in a defragmentation (#13766, #14685)', async () => {
    await inLab(
      { size: 3, flags: ['--snapshot-count=100', '--snapshot-catchup-entries=20'] },
      async (lab) => {
        const load = writeAlong(lab, lab.members);
        for (const [round, member] of [...lab.members, lab.members[0]!].entries()) {
          await moreWrites(load, 40);
          const { maintenance } = lab.connection(member);
          const defragmented =
            round % 2 === 0
              ? Promise.resolve(null)
              : call<DefragmentResponse__Output>(10_000, (options, done) =>
                  maintenance.Defragment({}, options, done),
                );
          // It is killed in the middle of it, most often.
          await Promise.all([killAndStart(lab, member), defragmented.catch(() => null)]);
        }
        await moreWrites(load, 40);
        await load.stop();
        for (const member of lab.members) await whole(lab, member);
        await lab.agree();
        const { kvs } = await whole(lab, lab.members[0]!);
        const held = new Map(kvs.map((kv) => [kv.key, kv.modRevision]));
        for (const [key, { revision }] of load.acknowledged) expect(held.get(key)).toBe(revision);
      },
    );
  });

  it('the revision goes down after a crash in a compaction (#17780)', async () => {
    await inLab({ size: 1 }, async (lab) => {
      const [only] = lab.members as [Member];
      for (let round = 0; round < 3; round += 1) {
        for (let i = 0; i < 20; i += 1) await lab.put(`s/${i}`, `${round}`);
        // The newest revisions are deletions, of which a compaction leaves nothing.
        const { revision } = await lab.ask<DeleteOutput>(only, { op: 'delete', ...allKeys });
        const compacted = compact(lab, only, revision, round % 2 === 0).catch(() => null);
        if (round % 2 === 0) await compacted;
        await killAndStart(lab, only);
        await compacted;
        const read = await whole(lab, only);
        expect(read).toMatchObject({ revision, count: 0 });
        expect(await lab.put('s/next', 'x')).toBe(revision + 1);
      }
    });
  });

  it('a watcher that starves loses events (#17529)', async () => {
    await inLab({ size: 1 }, async (lab) => {
      const [only] = lab.members as [Member];
      const { watch } = lab.connection(only);
      const stream = watch.watch();
      stream.on('error', () => undefined);
      const seen: number[] = [];
      stream.on('data', ({ events }: { events: { kv: { modRevision: string } }[] }) =>
        seen.push(...events.map(({ kv }) => Number(kv.modRevision))),
      );
      const first = await lab.put('s/slow', 'x');
      stream.write({ createRequest: { key: Buffer.from('s/slow'), startRevision: first } });
      await eventually(() => expect(seen).toEqual([first]));
      stream.pause();
      const value = 'x'.repeat(100_000);
      const revisions = [first];
      for (let i = 0; i < 150; i += 1) revisions.push(await lab.put('s/slow', value));
      // Nothing but what fits into buffers was read so far: the rest waits, or is read from history.
      stream.resume();
      await eventually(() => expect(seen.length).toBeGreaterThanOrEqual(revisions.length));
      expect(seen).toEqual(revisions);
      stream.cancel();
    });
  });

  it('a watch loses the deletion at which the store is compacted (#18089, #19179)', async () => {
    await inLab({ size: 1 }, async (lab) => {
      const [only] = lab.members as [Member];
      for (let round = 0; round < 3; round += 1) {
        await lab.put('s/gone', `${round}`);
        const { revision } = await lab.ask<DeleteOutput>(only, { op: 'delete', key: 's/gone' });
        await compact(lab, only, revision, round % 2 === 0);
        if (round === 2) await killAndStart(lab, only);
        await whole(lab, only);
        const watching = openWatch(lab.run, only, { key: 's/gone', startRevision: revision });
        await eventually(() =>
          expect(watching.record.responses).toContainEqual(
            expect.objectContaining({
              kind: 'events',
              events: [
                expect.objectContaining({
                  type: 'DELETE',
                  kv: expect.objectContaining({ modRevision: revision }),
                }),
              ],
            }),
          ),
        );
        watching.close();
      }
    });
  });

  it('a watch goes back in time after a partition (#15271)', async () => {
    await inLab({ size: 3 }, async (lab) => {
      const load = writeAlong(lab, lab.members);
      const watches = lab.members.map((member) =>
        openWatch(lab.run, member, { ...allKeys, startRevision: 2, prevKv: true }),
      );
      for (const member of lab.members) {
        await moreWrites(load, 30);
        const rest = lab.members.filter((other) => other !== member).map(({ machine }) => machine);
        const id = await lab.ledger.inject(() =>
          lab.run.members.machines.areApart ? drop(between([member.machine], rest)) : pause(member),
        );
        await moreWrites(load, 30);
        await lab.ledger.undo(id);
      }
      await moreWrites(load, 30);
      await load.stop();
      const last = await lab.put('s/last', 'x');
      await eventually(() => expect(watches.every((watching) => watching.next() > last)).toBe(true));
      expect(
        await lab.violations(
          watches.map(({ record }) => record),
          last,
        ),
      ).toEqual([]);
      await lab.agree();
      for (const watching of watches) watching.close();
    });
  });

  it('progress is reported ahead of events (#15220)', async () => {
    await inLab({ size: 3 }, async (lab) => {
      const load = writeAlong(lab, lab.members);
      const watches = lab.members.flatMap((member) =>
        // Half of them have history to catch up with.
        [0, 2].map((startRevision) => openWatch(lab.run, member, { ...allKeys, startRevision })),
      );
      const breaks: string[] = [];
      for (const { record, over } of watches) void over.then((why) => breaks.push(`${record.id}: ${why}`));
      for (let round = 0; round < 200; round += 1) {
        for (const watching of watches) watching.requestProgress();
        await sleep(10);
      }
      await load.stop();
      const last = await lab.put('s/last', 'x');
      await eventually(() => {
        const behind = watches.filter((watching) => watching.next() <= last);
        const told = behind.map((watching) => `${watching.record.id} at ${watching.next()}`);
        expect({ told, breaks: told.length > 0 ? breaks : [] }).toEqual({ told: [], breaks: [] });
      });
      const records = watches.map(({ record }) => record);
      for (const { responses } of records)
        expect(responses.some(({ kind }) => kind === 'progress')).toBe(true);
      expect(await lab.violations(records, last)).toEqual([]);
      for (const watching of watches) watching.close();
    });
  });

  it('a watch of a future revision gets events of the past (#20221)', async () => {
    await inLab({ size: 3, flags: ['--snapshot-count=20', '--snapshot-catchup-entries=5'] }, async (lab) => {
      const now = await lab.put('s/now', 'x');
      const start = now + 60;
      const leader = await lab.leader();
      const lagging = lab.members.find((member) => member !== leader)!;
      for (const member of lab.members) await whole(lab, member);
      const watches = lab.members.map((member) =>
        openWatch(lab.run, member, { ...allKeys, startRevision: start }),
      );
      await eventually(() => expect(watches.every(({ record }) => record.responses.length > 0)).toBe(true));
      // One of them gets the past as a snapshot.
      const id = await lab.ledger.inject(() => pause(lagging));
      const others = lab.members.filter((member) => member !== lagging);
      for (let i = 0; i < 40; i += 1) await lab.put('s/now', `${i}`, others);
      await lab.ledger.undo(id);
      let last = now;
      for (let i = 0; last < start + 20; i += 1) last = await lab.put('s/now', `again ${i}`);
      await eventually(() => expect(watches.every((watching) => watching.next() > last)).toBe(true));
      expect(
        await lab.violations(
          watches.map(({ record }) => record),
          last,
        ),
      ).toEqual([]);
      for (const watching of watches) watching.close();
    });
  });

  it('a paused leader serves a stale read when it goes on (#20418)', async () => {
    await inLab({ size: 3 }, async (lab) => {
      for (let round = 0; round < 3; round += 1) {
        const old = await lab.leader();
        const id = await lab.ledger.inject(() => pause(old));
        const others = lab.members.filter((member) => member !== old);
        const revision = await lab.put('s/read', `${round}`, others);
        // Asked after the write was acknowledged; they wait in the paused process' socket and are the first that it sees.
        const reads = Array.from({ length: 20 }, () =>
          lab
            .ask<RangeOutput>(old, { op: 'range', key: 's/read' }, 10_000)
            .catch((): KvOutput => ({ revision: -1 })),
        );
        await sleep(50);
        await lab.ledger.undo(id);
        const answered = (await Promise.all(reads)).filter((read) => read.revision >= 0);
        // A write that was tried again may have happened again: never less than what was acknowledged.
        for (const read of answered) {
          expect(read).toMatchObject({ kvs: [{ value: `${round}` }] });
          expect(read.revision).toBeGreaterThanOrEqual(revision);
        }
        expect(answered.length).toBeGreaterThan(0);
      }
    });
  });

  it('two snapshots close together end a member (#18055)', async () => {
    await inLab({ size: 3, flags: ['--snapshot-count=10', '--snapshot-catchup-entries=2'] }, async (lab) => {
      for (let round = 0; round < 3; round += 1) {
        const leader = await lab.leader();
        const slow = lab.members.find((member) => member !== leader)!;
        const others = lab.members.filter((member) => member !== slow);
        // It is too far behind for the log, gets a snapshot, and is too far behind again before or while it has that.
        for (const awakeMs of [20, 60, 150]) {
          const id = await lab.ledger.inject(() => pause(slow));
          await Promise.all(
            Array.from({ length: 100 }, (_, i) => lab.put(`s/${i}`, `${round}.${awakeMs}`, others)),
          );
          await lab.ledger.undo(id);
          await sleep(awakeMs);
        }
        await killAndStart(lab, slow);
        await Promise.all(Array.from({ length: 100 }, (_, i) => lab.put(`s/${i}`, `${round}`, others)));
        await whole(lab, slow);
        await lab.agree();
      }
      expect(lab.run.anomalies).toEqual([]);
    });
  });
});
