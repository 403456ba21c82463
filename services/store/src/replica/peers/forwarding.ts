import type { sendUnaryData } from '@grpc/grpc-js';
import type { MemberId } from '@raftsman/raft';
import type { ForwardedAnswer as WireAnswer } from '@raftsman/proto/gen/raftsman/raft/v1/ForwardedAnswer.js';
import type { ForwardedAnswer__Output as WireAnswer__Output } from '@raftsman/proto/gen/raftsman/raft/v1/ForwardedAnswer.js';
import type { ForwardedCall__Output } from '@raftsman/proto/gen/raftsman/raft/v1/ForwardedCall.js';
import type { PeerClient } from '@raftsman/proto/gen/raftsman/raft/v1/Peer.js';
import { status } from '@raftsman/wire';
import { ReplicaError, type ForwardedAnswer, type ForwardedCall } from '../../contract.js';
import { storeLimits } from '../../limits.js';
import type { PeerEvents, PeerTarget } from './client.js';
import { helloTo, meet, type KnownPeers, type PeerIdentity } from './hello.js';

interface Connection {
  readonly target: PeerTarget;
  readonly client: PeerClient;
}

/** Calls on their way to the leader, over one connection: to whom was asked last. */
export class Forwarding {
  readonly #identity: PeerIdentity;
  /** How each call that is under way is given up. */
  readonly #underWay = new Set<() => void>();
  #connection: Connection | null = null;
  #closed = false;

  constructor(identity: PeerIdentity) {
    this.#identity = identity;
  }

  /** Given up when `signal` aborts. Rejects with ReplicaError: `leader-changed` then, or when there is no answer for another reason but time; see Replica. */
  async forward(
    to: MemberId,
    target: PeerTarget,
    call: ForwardedCall,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<ForwardedAnswer> {
    const client = await this.#clientOf(target);
    if (signal.aborted) throw new ReplicaError('leader-changed');
    if (this.#underWay.size >= storeLimits.forwardedCallsMax) throw new ReplicaError('too-many-requests');
    return this.#ask(client, { hello: helloTo(to, this.#identity), ...call }, timeoutMs, signal);
  }

  /** Calls that are under way are given up. */
  close(): void {
    this.#closed = true;
    for (const cancel of this.#underWay) cancel();
    this.#connection?.client.close();
    this.#connection = null;
  }

  #ask(
    client: PeerClient,
    call: Parameters<PeerClient['forward']>[0],
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<ForwardedAnswer> {
    return new Promise((resolve, reject) => {
      const options = { deadline: Date.now() + timeoutMs };
      const underWay = client.forward(call, options, (error, answer) => {
        signal.removeEventListener('abort', cancel);
        this.#underWay.delete(cancel);
        if (answer !== undefined) return resolve(fromWire(answer));
        if (this.#closed) reject(new ReplicaError('stopped'));
        else
          reject(new ReplicaError(error?.code === status.DEADLINE_EXCEEDED ? 'timeout' : 'leader-changed'));
      });
      const cancel = (): void => underWay.cancel();
      signal.addEventListener('abort', cancel, { once: true });
      this.#underWay.add(cancel);
    });
  }

  async #clientOf(target: PeerTarget): Promise<PeerClient> {
    const { createForwardingClient } = await import('./client.js');
    if (this.#closed) throw new ReplicaError('stopped');
    if (this.#connection?.target !== target) {
      // What another member was asked has been given up, or will be: this one leads now.
      this.#connection?.client.close();
      this.#connection = { target, client: createForwardingClient(target) };
    }
    return this.#connection.client;
  }
}

/** A peer takes this member for the leader. Never rejects but for a bug. */
export async function answerForwarded(
  { hello, path, request, user, authRevision }: ForwardedCall__Output,
  { identity, known }: { readonly identity: PeerIdentity; readonly known: KnownPeers },
  forwarded: PeerEvents['forwarded'],
  answer: sendUnaryData<WireAnswer>,
): Promise<void> {
  const greeting = await meet(hello, identity, known);
  if (greeting.kind !== 'welcome')
    return answer({ code: status.FAILED_PRECONDITION, details: greeting.reason });
  let given: ForwardedAnswer;
  try {
    given = await forwarded({ path, request, user, authRevision: Number(authRevision) });
  } catch (error) {
    if (!(error instanceof ReplicaError)) throw error;
    return answer({ code: status.UNAVAILABLE, details: error.message });
  }
  answer(null, toWire(given));
}

function toWire(answer: ForwardedAnswer): WireAnswer {
  switch (answer.kind) {
    case 'response':
      return { response: Buffer.from(answer.response) };
    case 'refusal':
      return { refusal: { code: answer.code, details: answer.details } };
    case 'not-leader':
      return { notLeader: {} };
  }
}

function fromWire({ response, refusal }: WireAnswer__Output): ForwardedAnswer {
  if (response) return { kind: 'response', response };
  if (refusal) return { kind: 'refusal', code: refusal.code, details: refusal.details };
  return { kind: 'not-leader' };
}
