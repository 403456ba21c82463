import { setTimeout as sleep } from 'node:timers/promises';
import type { ServiceError } from '@grpc/grpc-js';
import { memberId, type MemberId } from '@raftsman/raft';
import type { KnownMember__Output } from '@raftsman/proto/gen/raftsman/raft/v1/KnownMember.js';
import type { MembersResponse__Output } from '@raftsman/proto/gen/raftsman/raft/v1/MembersResponse.js';
import type { Logger } from '@raftsman/telemetry';
import { ConfigError } from '../../errors.js';
import { storeLimits } from '../../limits.js';
import type { InitialMember } from '../identity.js';
import type { PeerTarget } from '../peers/client.js';
import { sameTexts, type DirectoryMember } from './directory.js';

/** A cluster that exists, as its members know it. */
export interface FoundCluster {
  readonly clusterId: number;
  readonly members: readonly DirectoryMember[];
}

/** Asks those at `targets` who the members are, until somebody answers; believes the one whose log is furthest. Rejects when `signal` aborts. */
export async function findCluster(
  targets: readonly PeerTarget[],
  logger: Logger,
  signal?: AbortSignal,
): Promise<FoundCluster> {
  for (let round = 0; ; round += 1) {
    signal?.throwIfAborted();
    const answers = await Promise.all(targets.map((target) => ask(target)));
    const found = answers.filter((answer) => typeof answer !== 'string');
    const [best] = found.toSorted((left, right) => positionOf(right) - positionOf(left));
    if (best !== undefined) return { clusterId: Number(best.clusterId), members: best.members.map(fromWire) };
    if (round === 0) logger.warn({ answers }, 'waiting for a peer that says who the members are');
    await sleep(storeLimits.rebuildRetryMs, undefined, { signal });
  }
}

const positionOf = ({ lastLogIndex }: MembersResponse__Output): number => Number(lastLogIndex);

const fromWire = (known: KnownMember__Output): DirectoryMember => ({
  id: memberId(Number(known.id)),
  name: known.name,
  peerUrls: known.peerUrls,
  clientUrls: known.clientUrls,
  isWitness: known.isWitness,
});

/** A text: why there is no answer. */
async function ask(target: PeerTarget): Promise<MembersResponse__Output | string> {
  const { createPeerClient } = await import('../peers/client.js');
  const client = createPeerClient(target);
  const deadline = Date.now() + storeLimits.membersTimeoutMs;
  try {
    return await new Promise((resolve) => {
      client.members({}, { deadline }, (error: ServiceError | null, answer?: MembersResponse__Output) => {
        resolve(answer ?? `${target.target}: ${error?.details ?? 'no answer'}`);
      });
    });
  } finally {
    client.close();
  }
}

/** Which of the found members the listed one called `name` is: that with its peer URLs. Throws ConfigError, in etcd's words, when the lists differ. */
export function recognise(
  listed: readonly InitialMember[],
  name: string,
  { members, clusterId }: FoundCluster,
): MemberId {
  const differ = (why: string): ConfigError =>
    new ConfigError(
      `error validating peerURLs of cluster ${clusterId.toString(16)} (${members.map(describe).join(', ')}): ${why}`,
    );
  if (members.length !== listed.length) throw differ('member count is unequal');
  const urlsOf = ({ peerUrls }: Pick<InitialMember, 'peerUrls'>): readonly string[] => peerUrls.toSorted();
  for (const member of members)
    if (!listed.some((each) => sameTexts(urlsOf(each), urlsOf(member))))
      throw differ(`unmatched member while checking PeerURLs: ${describe(member)}`);
  const own = listed.find((each) => each.name === name);
  const self = members.find((member) => own !== undefined && sameTexts(urlsOf(own), urlsOf(member)));
  if (self === undefined) throw differ(`${name} is not among them`);
  return self.id;
}

const describe = ({ id, peerUrls }: DirectoryMember): string => `${id.toString(16)}=${peerUrls.join('+')}`;
