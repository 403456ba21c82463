import type { ChannelCredentials, sendUnaryData, ServiceError } from '@grpc/grpc-js';
import type { MemberId } from '@raftsman/raft';
import type { ForwardedAnswer as WireAnswer } from '@raftsman/proto/gen/raftsman/raft/v1/ForwardedAnswer.js';
import type { ForwardedAnswer__Output as WireAnswer__Output } from '@raftsman/proto/gen/raftsman/raft/v1/ForwardedAnswer.js';
import type { ForwardedCall__Output } from '@raftsman/proto/gen/raftsman/raft/v1/ForwardedCall.js';
import type { PeerClient } from '@raftsman/proto/gen/raftsman/raft/v1/Peer.js';
import type { Logger } from '@raftsman/telemetry';
import { clientCredentials, status } from '@raftsman/wire';
import { ForwardError, ReplicaError, type ForwardedAnswer, type ForwardedCall } from '../../contract.js';
import { storeLimits } from '../../limits.js';
import type { PeerEvents, PeerTarget } from './client.js';
import { helloTo, recognise, type KnownPeers, type PeerIdentity } from './hello.js';

interface Connection {
  readonly target: PeerTarget;
  /** It is dialled again with these only. */
  readonly credentials: ChannelCredentials;
  readonly client: PeerClient;
  /** Statuses that were complained of: each once, not once per attempt. */
  readonly complaints: Set<status>;
}

/** Calls on their way to the leader, over one connection: to whom was asked last. */
export class Forwarding {
  readonly #identity: PeerIdentity;
  readonly #logger: Logger;
  /** How each call that is under way is given up. */
  readonly #underWay = new Set<() => void>();
  #connection: Connection | null = null;
  #closed = false;

  constructor(identity: PeerIdentity, logger: Logger) {
    this.#identity = identity;
    this.#logger = logger;
  }

  /** Given up when `signal` aborts. Rejects with ReplicaError (`leader-changed` then, or when the connection broke) or ForwardError; see Replica. */
  async forward(
    to: MemberId,
    target: PeerTarget,
    call: ForwardedCall,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<ForwardedAnswer> {
    const connection = await this.#connectionTo(target);
    if (signal.aborted) throw new ReplicaError('leader-changed');
    if (this.#underWay.size >= storeLimits.forwardedCallsMax) throw new ReplicaError('too-many-requests');
    return this.#ask(connection, { hello: helloTo(to, this.#identity), ...call }, timeoutMs, signal);
  }

  /** Calls that are under way are given up. */
  close(): void {
    this.#closed = true;
    for (const cancel of this.#underWay) cancel();
    this.#connection?.client.close();
    this.#connection = null;
  }

  #ask(
    connection: Connection,
    call: Parameters<PeerClient['forward']>[0],
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<ForwardedAnswer> {
    return new Promise((resolve, reject) => {
      const options = { deadline: Date.now() + timeoutMs };
      const underWay = connection.client.forward(call, options, (error, answer) => {
        signal.removeEventListener('abort', cancel);
        this.#underWay.delete(cancel);
        if (answer !== undefined) return resolve(fromWire(answer));
        if (this.#closed) return reject(new ReplicaError('stopped'));
        // As it was given up; or there was no time any more to do so.
        if (signal.aborted) return reject(new ReplicaError('leader-changed'));
        // There is one of the two.
        this.#complain(error!, connection);
        reject(failureOf(error!));
      });
      const cancel = (): void => underWay.cancel();
      signal.addEventListener('abort', cancel, { once: true });
      this.#underWay.add(cancel);
    });
  }

  /** Another one when another member leads, and when the certificates were renewed: the old ones may get nobody in any more. */
  async #connectionTo(target: PeerTarget): Promise<Connection> {
    const { createForwardingClient } = await import('./client.js');
    if (this.#closed) throw new ReplicaError('stopped');
    const credentials = clientCredentials(target.security);
    const before = this.#connection;
    if (before?.target === target && before.credentials === credentials) return before;
    // What another member was asked has been given up, or will be: this one leads now. What this one was asked on a connection that is there goes on.
    before?.client.close();
    const client = createForwardingClient(target, credentials);
    this.#connection = { target, credentials, client, complaints: new Set() };
    return this.#connection;
  }

  #complain({ code, details }: ServiceError, { target, complaints }: Connection): void {
    if (complaints.has(code)) return;
    complaints.add(code);
    this.#logger.warn({ target: target.target, code, details }, 'a call for the leader was not answered');
  }
}

/** How grpc-js begins what it says of some streams that were torn: the status is INTERNAL, and nobody gave it. */
const tornStream = 'Received RST_STREAM';

/** Only what another attempt may change is `leader-changed`: it is asked for again. */
function failureOf({ code, details }: ServiceError): ReplicaError | ForwardError {
  if (code === status.DEADLINE_EXCEEDED) return new ReplicaError('timeout');
  const broke =
    code === status.UNAVAILABLE ||
    code === status.CANCELLED ||
    (code === status.INTERNAL && details.startsWith(tornStream));
  return broke ? new ReplicaError('leader-changed') : new ForwardError(code, details);
}

/** A peer takes this member for the leader. Who is none is refused, and leaves nothing behind. Never rejects but for a bug. */
export async function answerForwarded(
  { hello, path, request, user, authRevision }: ForwardedCall__Output,
  { identity, known }: { readonly identity: PeerIdentity; readonly known: Pick<KnownPeers, 'peerDataId'> },
  forwarded: PeerEvents['forwarded'],
  answer: sendUnaryData<WireAnswer>,
): Promise<void> {
  const greeting = recognise(hello, identity, known);
  if (greeting.kind !== 'welcome') {
    const code = greeting.kind === 'unmet' ? status.UNAVAILABLE : status.FAILED_PRECONDITION;
    return answer({ code, details: greeting.reason });
  }
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
