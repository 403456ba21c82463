import { createLogger } from '@raftsman/telemetry';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { encodeCommand, noLease } from '@raftsman/mvcc';
import { encodeAuthCommand } from '../../src/auth/commands.js';
import {
  createEtcdServices,
  createStateMachine,
  defaultEtcdFaceConfig,
  type EtcdFaceConfig,
} from '../../src/etcd/index.js';
import { SingleMember } from './single-member.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const minute = 60_000;
const revisions = { mode: 'revision', retentionRevisions: 3 } as const;

function member(autoCompaction: Parameters<typeof configWith>[0]) {
  const stateMachine = createStateMachine();
  const replica = new SingleMember(stateMachine);
  const logger = createLogger({ component: 'test', level: 'silent' });
  const config = configWith(autoCompaction);
  const face = createEtcdServices({ stateMachine, replica, config, logger });
  onTestFinished(() => face.close());
  let written = 0;
  const put = (times: number): void => {
    for (let time = 0; time < times; time += 1) {
      const kept = { prevKv: false, ignoreValue: false, ignoreLease: false, lease: noLease };
      const key = String((written += 1));
      void replica.propose(encodeCommand({ kind: 'put', key, value: 'v', ...kept }));
    }
  };
  return { stateMachine, replica, put, face };
}

const configWith = (autoCompaction: EtcdFaceConfig['autoCompaction']): EtcdFaceConfig => ({
  ...defaultEtcdFaceConfig,
  corruptCheckTimeMs: 0,
  autoCompaction,
});

/** A little more than so many minutes. */
const pass = (minutes: number): Promise<unknown> => vi.advanceTimersByTimeAsync(minutes * minute + 100);

describe('a member that compacts by itself', () => {
  it('keeps as many revisions as were wanted', async () => {
    const { stateMachine, put } = member(revisions);
    put(10);
    await pass(5);
    expect(stateMachine.store).toMatchObject({ revision: 11, compactRevision: 8, compactionPending: false });
    await pass(20);
    expect(stateMachine.store.compactRevision).toBe(8);
    put(2000);
    await pass(5);
    expect(stateMachine.store).toMatchObject({ compactRevision: 2008, compactionPending: false });
  });

  it('keeps what was written in the last hour', async () => {
    const { stateMachine, put } = member({ mode: 'periodic', retentionMs: 60 * minute });
    for (let tenth = 0; tenth < 9; tenth += 1) {
      put(1);
      await pass(6);
    }
    expect(stateMachine.store.compactRevision).toBe(-1);
    await pass(6);
    expect(stateMachine.store.compactRevision).toBe(1);
    await pass(60);
    expect(stateMachine.store.compactRevision).toBe(10);
  });

  it('is the leader alone, and whoever leads later', async () => {
    const { stateMachine, replica, put } = member(revisions);
    replica.change({ role: 'follower' });
    put(10);
    await pass(30);
    expect(stateMachine.store.compactRevision).toBe(-1);
    replica.change({ role: 'leader' });
    await pass(5);
    expect(stateMachine.store.compactRevision).toBe(8);
  });

  it('tries again when it was refused', async () => {
    const { stateMachine, replica, put } = member(revisions);
    put(10);
    await pass(1);
    replica.refusal = 'timeout';
    await pass(5);
    expect(stateMachine.store.compactRevision).toBe(-1);
    replica.refusal = null;
    await pass(5);
    expect(stateMachine.store.compactRevision).toBe(8);
  });

  it('spares the log what a client has compacted already', async () => {
    const { stateMachine, replica, put } = member(revisions);
    put(10);
    await replica.propose(encodeCommand({ kind: 'compact', revision: 9 }));
    const { applied } = replica.status();
    await pass(5);
    expect(replica.status().applied).toBe(applied);
    expect(stateMachine.store.compactRevision).toBe(9);
  });

  it("needs nobody's permission", async () => {
    const { stateMachine, replica, put } = member(revisions);
    put(10);
    for (const command of [
      { kind: 'user-add', name: 'root', password: null },
      { kind: 'role-add', name: 'root' },
      { kind: 'user-grant-role', user: 'root', role: 'root' },
      { kind: 'enable' },
    ] as const)
      await replica.propose(encodeAuthCommand(command));
    expect(stateMachine.auth.enabled).toBe(true);
    await pass(5);
    expect(stateMachine.store.compactRevision).toBe(8);
  });

  it('has no timer when it is not wanted, and none once it is closed', () => {
    expect(vi.getTimerCount()).toBe(0);
    member(null);
    expect(vi.getTimerCount()).toBe(0);
    const { face } = member(revisions);
    expect(vi.getTimerCount()).toBe(1);
    face.close();
    expect(vi.getTimerCount()).toBe(0);
  });
});
