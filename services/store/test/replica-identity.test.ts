import { memberId } from '@raftsman/raft';
import { describe, expect, test } from 'vitest';
import { clusterIdOf, memberIdOf } from '../src/replica/identity.js';
import { checkHello, helloTo, meet, recognise } from '../src/replica/peers/hello.js';

describe('identity', () => {
  const members = [
    { name: 'm1', peerUrls: ['http://10.0.0.1:2380'], isWitness: false },
    { name: 'm2', peerUrls: ['http://10.0.0.2:2380'], isWitness: false },
  ];

  test('does not depend on the order in which the cluster is written', () => {
    expect(clusterIdOf(members, 't')).toBe(clusterIdOf(members.toReversed(), 't'));
  });

  test('depends on who keeps no data', () => {
    const [first, ...rest] = members;
    expect(clusterIdOf([{ ...first!, isWitness: true }, ...rest], 't')).not.toBe(clusterIdOf(members, 't'));
  });

  test('depends on token, names and URLs, and fits 52 bits', () => {
    const ids = [
      clusterIdOf(members, 't'),
      clusterIdOf(members, 'u'),
      clusterIdOf([members[0]!], 't'),
      memberIdOf(members[0]!, 't'),
      memberIdOf(members[1]!, 't'),
      memberIdOf(members[0]!, 'u'),
    ];
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toBeLessThan(2 ** 52);
  });

  const self = memberId(1);
  const here = {
    clusterId: 5,
    self,
    name: 'm1',
    clientUrls: [],
    peerUrls: ['http://m1:2380'],
    dataId: 8,
    isRemoved: (id: number) => id === 3,
    isMember: (id: number) => id <= 2,
  };
  const hello = {
    protocolVersion: 4,
    clusterId: '5',
    from: '2',
    to: '1',
    name: 'm2',
    clientUrls: [],
    peerUrls: [],
    dataId: '9',
    rebuild: false,
    joining: false,
  };

  test('a hello of a member is welcome', () => {
    expect(checkHello(hello, here)).toEqual({ kind: 'welcome', from: 2, met: false });
    expect(helloTo(memberId(2), here)).toMatchObject({ clusterId: 5, from: 1, to: 2, dataId: 8 });
  });

  test.each([
    ['another cluster', { clusterId: '6' }, /is of cluster 6, this is 5/],
    ['nobody', { from: '0' }, /cannot be a member of this cluster/],
    ['this member', { from: '1' }, /cannot be a member of this cluster/],
    ['somebody who looks for another', { to: '3' }, /this is member 1, not 3/],
    ['another protocol', { protocolVersion: 1 }, /protocol 1 is not spoken/],
  ])('a hello of %s is refused', (_who, change, reason) => {
    expect(checkHello({ ...hello, ...change }, here)).toMatchObject({
      kind: 'refused',
      reason: expect.stringMatching(reason),
    });
  });

  test('a hello of a member that was removed is answered so', () => {
    expect(checkHello({ ...hello, from: '3' }, here)).toEqual({
      kind: 'removed',
      reason: 'the member has been permanently removed from the cluster',
    });
  });

  test('a member that joins is told whether it was met, and remembered only if it was not', async () => {
    const known = new Map<number, number>();
    const peers = {
      peerDataId: (member: number) => known.get(member),
      rememberPeer: async (member: number, dataId: number) => void known.set(member, dataId),
    };
    const joining = { ...hello, joining: true };
    expect(await meet(joining, here, peers)).toMatchObject({ kind: 'welcome', met: false });
    expect(await meet(joining, here, peers)).toMatchObject({ kind: 'welcome', met: false });
    expect(await meet({ ...joining, dataId: '10' }, here, peers)).toMatchObject({
      kind: 'welcome',
      met: true,
    });
    expect(known).toEqual(new Map([[2, 9]]));
  });

  test('a member comes with the data directory that it came with first, or says that it lost it', async () => {
    const known = new Map<number, number>();
    const peers = {
      peerDataId: (member: number) => known.get(member),
      rememberPeer: async (member: number, dataId: number) => void known.set(member, dataId),
    };
    const other = { ...hello, dataId: '10' };
    expect(await meet(hello, here, peers)).toMatchObject({ kind: 'welcome' });
    expect(await meet(hello, here, peers)).toMatchObject({ kind: 'welcome' });
    expect(await meet(other, here, peers)).toMatchObject({
      kind: 'lost',
      reason: expect.stringMatching(
        /m2 comes with another data directory .* --initial-cluster-state=existing/,
      ),
    });
    expect(await meet({ ...other, rebuild: true }, here, peers)).toMatchObject({ kind: 'welcome' });
    expect(await meet(other, here, peers)).toMatchObject({ kind: 'welcome' });
    expect(await meet(hello, here, peers)).toMatchObject({ kind: 'lost' });
  });

  test('who asks beside its stream is a member that was met with that data directory', () => {
    const known = new Map([2, 3, 4].map((member) => [member, 9]));
    const peers = { peerDataId: (member: number) => known.get(member) };
    expect(recognise(hello, here, peers)).toEqual({ kind: 'welcome', from: 2, met: false });
    expect(recognise({ ...hello, dataId: '10' }, here, peers)).toMatchObject({ kind: 'lost' });
    expect(recognise({ ...hello, from: '3' }, here, peers)).toMatchObject({ kind: 'removed' });
    expect(recognise({ ...hello, from: '4' }, here, peers)).toEqual({
      kind: 'refused',
      reason: '4 is no member of this cluster',
    });
    expect(recognise({ ...hello, to: '3' }, here, peers)).toMatchObject({ kind: 'refused' });
    expect(recognise(null, here, peers)).toMatchObject({ kind: 'refused' });
    known.clear();
    expect(recognise(hello, here, peers)).toMatchObject({ kind: 'unmet' });
  });

  test('silence is refused', () => {
    expect(checkHello(null, here)).toMatchObject({ kind: 'refused' });
  });
});
