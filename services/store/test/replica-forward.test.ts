import { status, type ServiceError } from '@grpc/grpc-js';
import { memberId, type MemberId } from '@raftsman/raft';
import { describe, expect, test } from 'vitest';
import { until } from '../../../test/support/until.js';
import type { ForwardedAnswer, ForwardedCall } from '../src/contract.js';
import { createPeerClient } from '../src/replica/peers/client.js';
import { protocolVersion } from '../src/replica/peers/hello.js';
import { TestCluster, type TestMember } from './replica-fixture.js';

const call: ForwardedCall = {
  path: '/some.Service/Method',
  request: Buffer.from('request'),
  user: 'alice',
  authRevision: 7,
};
const timeoutMs = 20_000;

async function start(): Promise<{ cluster: TestCluster; leader: TestMember; follower: TestMember }> {
  const cluster = await TestCluster.create(3);
  await cluster.startAll();
  const leader = await cluster.leader();
  const follower = await cluster.follower();
  await until('the follower to follow', () => leads(follower) === leads(leader));
  await until('the leader to have met it', () =>
    follower.running.replica.forward(call, timeoutMs).catch(() => undefined),
  );
  return { cluster, leader, follower };
}

const leads = ({ running }: TestMember): MemberId | null => running.replica.status().leader;

/** How many calls have come; they are answered by `answer`, by default never. */
function answering(
  { running }: TestMember,
  answer: (call: ForwardedCall) => Promise<ForwardedAnswer> = () => new Promise(() => undefined),
) {
  const came: ForwardedCall[] = [];
  running.replica.answerForwarded((each) => {
    came.push(each);
    return answer(each);
  });
  return came;
}

describe('a call that is passed on to the leader', () => {
  test('comes as it was, and is answered, be it with a refusal', async () => {
    const { leader, follower } = await start();
    const forward = () => follower.running.replica.forward(call, timeoutMs);
    expect(await forward()).toEqual({ kind: 'not-leader' });
    const answers: readonly ForwardedAnswer[] = [
      { kind: 'response', response: Buffer.from('response') },
      { kind: 'response', response: Buffer.alloc(0) },
      { kind: 'refusal', code: status.NOT_FOUND, details: 'not here' },
    ];
    for (const answer of answers) {
      const came = answering(leader, () => Promise.resolve(answer));
      expect(await forward()).toEqual(answer);
      expect(came).toEqual([call]);
    }
    await expect(leader.running.replica.forward(call, timeoutMs)).rejects.toMatchObject({
      code: 'no-leader',
    });
  });

  test('is given up as soon as another leads, or the leader is gone', async () => {
    const { cluster, leader, follower } = await start();
    const came = answering(leader);
    const first = follower.running.replica.forward(call, timeoutMs);
    first.catch(() => undefined); // Awaited below.
    await until('the call', () => came.length === 1);
    const { id } = follower.running.replica.status();
    await leader.running.replica.transferLeadership(id);
    await expect(first).rejects.toMatchObject({ code: 'leader-changed' });
    // From the one that leads no more, to its successor.
    const again = answering(follower);
    await until('the other to follow', () => leads(leader) === id);
    const second = leader.running.replica.forward(call, timeoutMs);
    second.catch(() => undefined);
    await until('the call', () => again.length === 1);
    await cluster.stop(follower.name);
    await expect(second).rejects.toMatchObject({ code: 'leader-changed' });
  });

  test('has its time, and ends with the member', async () => {
    const { cluster, leader, follower } = await start();
    answering(leader);
    await expect(follower.running.replica.forward(call, 50)).rejects.toMatchObject({ code: 'timeout' });
    const came = answering(leader);
    const last = follower.running.replica.forward(call, timeoutMs);
    last.catch(() => undefined);
    await until('the call', () => came.length > 0);
    await cluster.stop(follower.name);
    await expect(last).rejects.toMatchObject({ code: 'stopped' });
  });

  test('is answered to a member that looks for this one, and to nobody else', async () => {
    const { leader, follower } = await start();
    const came = answering(leader);
    const { replica } = leader.running;
    const { id, clusterId } = replica.status();
    const { peerUrls } = replica.members().find((member) => member.id === id)!;
    const client = createPeerClient({ target: new URL(peerUrls[0]!).host, security: 'insecure' });
    const hello = {
      protocolVersion,
      clusterId,
      from: follower.running.replica.status().id,
      name: 'x',
      dataId: 1,
    };
    const refusal = (to: MemberId, from = hello.from): Promise<ServiceError | null> =>
      new Promise((resolve) =>
        client.forward({ ...call, hello: { ...hello, from, to } }, (error) => resolve(error)),
      );
    expect(await refusal(memberId(99))).toMatchObject({
      code: status.FAILED_PRECONDITION,
      details: expect.stringContaining('its peer URL leads here'),
    });
    expect(await refusal(id)).toMatchObject({
      code: status.FAILED_PRECONDITION,
      details: expect.stringContaining('another data directory'),
    });
    // Whatever data directory it says: it is not remembered by it.
    for (let attempt = 0; attempt < 2; attempt += 1)
      expect(await refusal(id, memberId(98))).toMatchObject({
        code: status.FAILED_PRECONDITION,
        details: expect.stringContaining('is no member'),
      });
    expect(came).toEqual([]);
    client.close();
  });
});
