import type { MemberId } from '@raftsman/raft';
import { ReplicaError, type ForwardedAnswer, type ForwardedCall, type Replica } from '../contract.js';
import type { PeerTransport } from './peers/transport.js';

type Answer = (call: ForwardedCall) => Promise<ForwardedAnswer>;

/** Calls for the leader: of this member's clients to it, and of other members' clients to this member. */
export class Forwards {
  readonly #replica: Pick<Replica, 'status' | 'onStatusChange'>;
  readonly #transport: Pick<PeerTransport, 'forward'>;
  readonly #self: MemberId;
  #answer: Answer | null = null;

  constructor(
    replica: Pick<Replica, 'status' | 'onStatusChange'>,
    transport: Pick<PeerTransport, 'forward'>,
    self: MemberId,
  ) {
    this.#replica = replica;
    this.#transport = transport;
    this.#self = self;
  }

  /** See Replica. Whom this member follows no more is still waited for while there is nobody else to ask: it may be this member that is being removed. */
  async forward(call: ForwardedCall, timeoutMs: number): Promise<ForwardedAnswer> {
    const { leader } = this.#replica.status();
    if (leader === null || leader === this.#self) throw new ReplicaError('no-leader');
    const given = new AbortController();
    const stop = this.#replica.onStatusChange((status) => {
      if (status.leader !== null && status.leader !== leader) given.abort();
    });
    try {
      return await this.#transport.forward(leader, call, timeoutMs, given.signal);
    } finally {
      stop();
    }
  }

  answerWith(answer: Answer): () => void {
    this.#answer = answer;
    return () => (this.#answer = null);
  }

  answer(call: ForwardedCall): Promise<ForwardedAnswer> {
    return this.#answer?.(call) ?? Promise.resolve({ kind: 'not-leader' });
  }
}
