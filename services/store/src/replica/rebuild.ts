import { setTimeout as sleep } from 'node:timers/promises';
import type { ServiceError } from '@grpc/grpc-js';
import type { Journal } from '@raftsman/journal';
import { logIndex, term } from '@raftsman/raft';
import type { Welcome__Output } from '@raftsman/proto/gen/raftsman/raft/v1/Welcome.js';
import type { Logger } from '@raftsman/telemetry';
import { storeLimits } from '../limits.js';
import { createPeerClient, type PeerAddress } from './peers/client.js';
import type { LogPosition } from './peers/exchange.js';
import { helloTo, type PeerIdentity } from './peers/hello.js';

/**
 * A member that lost its disk has forgotten its vote, its term and the entries that it acknowledged; with them it may have elected leaders
 * and committed entries. All others together know how far that can have gone: whoever it voted for or followed had that term durable, and
 * whoever's entries it acknowledged has them in its log. So before it says anything it asks every one of them (not a majority: the one left out
 * may be the only other that knows), enters a term after all of theirs, and does not vote until its commit index has reached the end of the
 * longest of their logs. It acknowledges what it is sent at once: that is true again.
 */
export async function rebuild(
  peers: readonly PeerAddress[],
  identity: PeerIdentity,
  journal: Journal,
  logger: Logger,
  signal?: AbortSignal,
): Promise<void> {
  logger.warn('this member lost its data: it asks all the others how far it was');
  const positions = await Promise.all(peers.map((peer) => position(peer, identity, logger, signal)));
  const latest = Math.max(...positions.map((each) => each.term));
  const until = logIndex(Math.max(...positions.map(({ lastLogIndex }) => lastLogIndex)));
  await journal.beginRebuild({ term: term(latest + 1), vote: null, commit: logIndex(0) }, until);
  logger.warn({ term: latest + 1, until }, 'this member takes part again, and votes once it has caught up');
}

/** Asks until it is answered. Rejects only when `signal` aborts. */
async function position(
  peer: PeerAddress,
  identity: PeerIdentity,
  logger: Logger,
  signal?: AbortSignal,
): Promise<LogPosition> {
  let lastComplaint = '';
  for (;;) {
    signal?.throwIfAborted();
    try {
      return await ask(peer, identity);
    } catch (error) {
      const { details } = error as ServiceError;
      if (details !== lastComplaint) logger.warn({ peer: peer.name, details }, 'waiting for a peer');
      lastComplaint = details;
    }
    await sleep(storeLimits.rebuildRetryMs, undefined, { signal });
  }
}

async function ask(peer: PeerAddress, identity: PeerIdentity): Promise<LogPosition> {
  const client = createPeerClient(peer);
  try {
    const call = client.exchange({ deadline: Date.now() + storeLimits.helloTimeoutMs });
    const welcome = await new Promise<Welcome__Output>((resolve, reject) => {
      call.on('data', resolve);
      call.on('error', reject);
      call.on('end', () =>
        reject(Object.assign(new Error('no welcome came'), { details: 'no welcome came' })),
      );
      call.write({ hello: { ...helloTo(peer.id, identity), rebuild: true } });
    });
    call.cancel();
    return { term: Number(welcome.term), lastLogIndex: Number(welcome.lastLogIndex) };
  } finally {
    client.close();
  }
}
