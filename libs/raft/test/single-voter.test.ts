import { describe, expect, it } from 'vitest';
import { MemoryLog, configurationOf, createRaft, logIndex, memberId, term } from '@raftsman/raft';
import type { Raft } from '@raftsman/raft';

function single(): { raft: Raft; log: MemoryLog; applied: string[] } {
  const configuration = configurationOf([memberId(1)]);
  const log = MemoryLog.empty(configuration);
  const raft = createRaft(
    {
      id: memberId(1),
      electionTicks: 10,
      heartbeatTicks: 1,
      preVote: true,
      checkQuorum: true,
      appendBytesMax: 1024,
      inflightAppendsMax: 4,
      uncommittedBytesMax: 4096,
      committedBytesMax: 4096,
      random: () => 0,
    },
    { hardState: { term: term(0), vote: null, commit: logIndex(0) }, configuration, applied: logIndex(0) },
    log,
  );
  return { raft, log, applied: [] };
}

function drain({ raft, log, applied }: ReturnType<typeof single>): number[] {
  const reads: number[] = [];
  while (raft.hasReady()) {
    const ready = raft.ready();
    log.append(ready.entries);
    for (const entry of ready.committedEntries) applied.push(Buffer.from(entry.data).toString());
    reads.push(...ready.readStates.map((each) => each.index));
    raft.advance(ready);
    raft.checkInvariants();
  }
  return reads;
}

describe('a cluster of one voter', () => {
  it('elects itself, commits and reads without anybody else', () => {
    const member = single();
    for (let tick = 0; tick < 10; tick += 1) member.raft.tick();
    drain(member);
    expect(member.raft.status()).toMatchObject({ role: 'leader', term: 1, commit: 1 });
    expect(member.raft.propose([{ type: 'normal', data: Buffer.from('x') }])).toBeNull();
    drain(member);
    expect(member.applied).toEqual(['', 'x']);
    expect(member.raft.readIndex(7)).toBeNull();
    expect(drain(member)).toEqual([2]);
  });
});
