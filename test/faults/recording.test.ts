import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  emptyStore,
  Recorder,
  type KvInput,
  type KvOutput,
  type WatchedEvent,
  type WatchRecord,
} from '@raftsman/faults';
import { Judge, type Judgement } from './judge.js';
import { LeaseBook } from './leases.js';
import { judgeAgain, Recording } from './recording.js';
import { Truth } from './truth.js';
import { allKeys } from './watching.js';

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'recording-'))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const putEvent = (revision: number): WatchedEvent => ({
  type: 'PUT',
  kv: {
    key: `s/${revision}`,
    value: `v${revision}`,
    createRevision: revision,
    modRevision: revision,
    version: 1,
    lease: '0',
  },
  previous: null,
  isCreate: true,
});

/** A phase in which puts were answered with the revisions 2 to `answered`, and the observer was told of them up to `told`; as it was judged at once, and its files. */
async function record(options: {
  readonly answered: number;
  readonly told: number;
  readonly brokeOff: string | null;
}): Promise<{ readonly judgement: Judgement; readonly recording: Recording }> {
  let nowMs = 0;
  const recording = new Recording(directory);
  recording.begin(7);
  const recorder = new Recorder<KvInput, KvOutput>(
    () => (nowMs += 1),
    (event) => recording.write(event),
  );
  const truth = new Truth();
  const responses: WatchRecord['responses'][number][] = [];
  for (let revision = 2; revision <= options.answered; revision += 1) {
    const { key, value } = putEvent(revision).kv;
    recorder.invoke(1, { op: 'put', key, value }).ok({ revision });
    if (revision > options.told) continue;
    const events = [putEvent(revision)];
    truth.observed(revision, events, (nowMs += 1));
    responses.push({ kind: 'events', atMs: nowMs, revision, events });
  }
  const evidence = {
    operations: recorder.take(),
    staleReads: [],
    watches: [{ id: 'm1/1#1', request: { ...allKeys, startRevision: 2 }, responses }],
    compactions: [],
    endRevision: options.told,
    brokeOff: options.brokeOff,
  };
  const judge = new Judge(truth, new LeaseBook(), emptyStore);
  recording.keep(judge, new LeaseBook(), evidence);
  const judgement = judge.judge(evidence);
  await recording.end(judgement.anomalies.length === 0 && options.brokeOff === null);
  return { judgement, recording };
}

describe('a phase with a quiet end', () => {
  it('leaves nothing if it is fine', async () => {
    const { judgement, recording } = await record({ answered: 9, told: 9, brokeOff: null });
    expect(judgement).toMatchObject({ anomalies: [], isUndecided: false, revisions: 8 });
    expect(recording.kept).toEqual([]);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('is judged from its files as it was at once', async () => {
    const { judgement, recording } = await record({ answered: 9, told: 6, brokeOff: null });
    expect(judgement.anomalies).toHaveLength(3);
    expect(judgement.anomalies[0]).toContain('was acknowledged with revision 7, where nothing happened');
    expect(recording.kept).toEqual([7]);
    expect(judgeAgain(directory, 7)).toMatchObject({ anomalies: judgement.anomalies, brokeOff: null });
  });
});

describe('a phase that broke off', () => {
  it('is kept, and blamed for nothing that nobody could be told any more', async () => {
    const { judgement, recording } = await record({ answered: 9, told: 6, brokeOff: 'no leader' });
    expect(judgement).toMatchObject({ anomalies: [], isUndecided: false, revisions: 5 });
    expect(recording.kept).toEqual([7]);
    expect(judgeAgain(directory, 7)).toMatchObject({ anomalies: [], revisions: 5, brokeOff: 'no leader' });
  });
});
