import { setTimeout as sleep } from 'node:timers/promises';
import type { Journal } from '@raftsman/journal';
import { logIndex, term } from '@raftsman/raft';
import type { Logger } from '@raftsman/telemetry';
import { storeLimits } from '../limits.js';
import type { PeerAddress } from './peers/client.js';
import type { PeerWelcome } from './peers/greeting.js';
import { helloTo, type PeerIdentity } from './peers/hello.js';
import { PeerCall } from './peers/peer-call.js';

export interface Newcomer {
  readonly identity: PeerIdentity;
  readonly journal: Journal;
  readonly logger: Logger;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A member that begins with an empty log is either one that has not run yet, or one that had a log and lost it. Whoever it promised anything to has
 * met its data directory, and remembers the first that it meets. So it is the first kind if none of the others has met it with another directory.
 *
 * `isUnseen`: it was added, and the directory of members does not have its name, which the leader writes down as soon as the two have met and before
 * it changes the members again (reconfigurer.ts). Then a majority is enough, since each majority remembers the present directory before it says
 * that it knows no other: whoever comes later with a third one meets somebody who knows of the second. What a leader committed that never met this
 * member, a later change of the members say, was committed without it, and so was everything before that.
 */
export async function arrive(
  others: readonly PeerAddress[],
  isUnseen: boolean,
  newcomer: Newcomer,
): Promise<void> {
  const { journal, logger } = newcomer;
  const needed = isUnseen ? Math.floor(others.length / 2) + 1 : others.length;
  const asking = new AbortController();
  const signal = AbortSignal.any([
    asking.signal,
    ...(newcomer.signal === undefined ? [] : [newcomer.signal]),
  ]);
  let strangers = 0;
  let isKnown = false;
  const questions = others.map(async (peer) => {
    const { met } = await welcome(peer, { joining: true }, { ...newcomer, signal });
    if (met) isKnown = true;
    else strangers += 1;
    if (isKnown || strangers >= needed) asking.abort();
  });
  for (const outcome of await Promise.allSettled(questions))
    if (outcome.status === 'rejected' && !asking.signal.aborted) throw outcome.reason;
  if (isKnown) {
    await journal.mustRebuild();
    return;
  }
  logger.info('this member is new: it begins with an empty log');
  await journal.beginRebuild({ term: term(0), vote: null, commit: logIndex(0) }, logIndex(0));
}

/**
 * A member that lost its disk has forgotten its vote, its term and the entries that it acknowledged; with them it may have elected leaders
 * and committed entries. All others together know how far that can have gone: whoever it voted for or followed had that term durable, and
 * whoever's entries it acknowledged has them in its log. So before it says anything it asks every one of them (not a majority: the one left out
 * may be the only other that knows), enters a term after all of theirs, and does not vote until its commit index has reached the end of the
 * longest of their logs, or an entry of such a later term (RaftState.mayElect of libs/raft). It acknowledges what it is sent at once: that is true again.
 *
 * Two that are rebuilt at once wait for each other. Of three members that is all there is to do: the two may have been the majority for something of
 * which the third knows nothing. Of five, any majority has one of the other three in it, so that these could answer for both; but then each must be
 * told by the other that it has forgotten, by a process that does not take part yet, and must hear of it if the other is through first.
 */
export async function rebuild(peers: readonly PeerAddress[], newcomer: Newcomer): Promise<void> {
  const { journal, logger } = newcomer;
  logger.warn('this member lost its data: it asks all the others how far it was');
  const positions = await Promise.all(peers.map((peer) => welcome(peer, { rebuild: true }, newcomer)));
  const latest = Math.max(...positions.map((each) => each.term));
  const until = logIndex(Math.max(...positions.map(({ lastLogIndex }) => lastLogIndex)));
  await journal.beginRebuild({ term: term(latest + 1), vote: null, commit: logIndex(0) }, until);
  logger.warn({ term: latest + 1, until }, 'this member takes part again, and votes once it has caught up');
}

type Question = { readonly rebuild: true } | { readonly joining: true };

/** Asks until it is answered. Rejects only when `signal` aborts. */
async function welcome(
  peer: PeerAddress,
  question: Question,
  { identity, logger, signal }: Newcomer,
): Promise<PeerWelcome> {
  let lastComplaint = '';
  for (let attempt = 0; ; attempt += 1) {
    signal?.throwIfAborted();
    try {
      return await ask(peer, attempt, identity, question, signal);
    } catch (error) {
      const details = error instanceof Error ? error.message : String(error);
      if (details !== lastComplaint && !signal?.aborted)
        logger.warn({ peer: peer.name, details }, 'waiting for a peer');
      lastComplaint = details;
    }
    await sleep(storeLimits.rebuildRetryMs, undefined, { signal });
  }
}

function ask(
  { id, targets }: PeerAddress,
  attempt: number,
  identity: PeerIdentity,
  question: Question,
  signal?: AbortSignal,
): Promise<PeerWelcome> {
  const hello = { ...helloTo(id, identity), ...question };
  const target = targets[attempt % targets.length]!;
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      call.close();
      reject(signal!.reason);
    };
    const done = (): void => {
      signal?.removeEventListener('abort', stop);
      call.close();
    };
    const call = new PeerCall(target, hello, storeLimits.helloTimeoutMs, {
      welcomed: (said) => {
        done();
        resolve(said);
      },
      drained: () => undefined,
      ended: ({ details }) => {
        done();
        reject(new Error(details));
      },
    });
    signal?.addEventListener('abort', stop, { once: true });
  });
}
