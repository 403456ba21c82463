import type { Raft, Refusal, Term } from '@raftsman/raft';
import { ReplicaError, type ReplicaErrorCode } from '../contract.js';
import { storeLimits } from '../limits.js';
import { encodeEnvelope } from './envelope.js';

interface Proposal {
  readonly request: number;
  readonly data: Uint8Array;
  readonly deadlineMs: number;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: ReplicaError) => void;
  /** The term in which it was handed to the core; null: not yet, or known to be lost. */
  proposedIn: Term | null;
}

/**
 * The proposals of this member's clients, until each is answered once.
 *
 * A proposal handed to the core in term T can only enter the log with term T: a leader appends in its own term, and takes a forwarded proposal only from a
 * follower of the same term. Terms in the log never fall. So once an entry of a later term is applied, a proposal of an earlier one that was not applied
 * never will be, and proposing it again cannot make it happen twice. That is how clients get through a change of leader without an error.
 */
export class Proposals {
  /** In the order of their deadlines. */
  readonly #open = new Map<number, Proposal>();
  readonly #origin: number;
  readonly #incarnation: number;
  readonly #timeoutMs: number;
  #waiting: Proposal[] = [];
  #openBytes = 0;
  /** Of those that the core has. */
  #handedBytes = 0;
  #lastRequest = 0;
  /** Why the core did not take what waits; null: it took it, or was not asked. */
  #refusal: Refusal | null = null;
  #refused = 0;

  constructor(options: {
    readonly origin: number;
    readonly incarnation: number;
    readonly timeoutMs: number;
  }) {
    this.#origin = options.origin;
    this.#incarnation = options.incarnation;
    this.#timeoutMs = options.timeoutMs;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Since the start. */
  get refused(): number {
    return this.#refused;
  }

  /** `ahead`: before all that wait, and within no bound. Rejects with ReplicaError. */
  add(payload: Uint8Array, nowMs: number, ahead = false): Promise<unknown> {
    const full =
      this.#open.size >= storeLimits.proposalsMax ||
      (this.#open.size > 0 && this.#openBytes + payload.length > storeLimits.proposalBytesMax);
    if (full && !ahead) return Promise.reject(new ReplicaError('too-many-requests'));
    const request = ++this.#lastRequest;
    const data = encodeEnvelope({ origin: this.#origin, incarnation: this.#incarnation, request, payload });
    return new Promise((resolve, reject) => {
      const deadlineMs = nowMs + this.#timeoutMs;
      const proposal: Proposal = { request, data, deadlineMs, resolve, reject, proposedIn: null };
      this.#open.set(request, proposal);
      this.#openBytes += data.length;
      if (ahead) this.#waiting.unshift(proposal);
      else this.#waiting.push(proposal);
    });
  }

  /**
   * Hands the core what waits, in groups; keeps what it refuses for a better moment. No more at a time than the queue to the leader holds:
   * what does not fit in there is lost without a word.
   */
  handOver(raft: Raft): void {
    this.#refusal = null;
    while (this.#waiting.length > 0) {
      const group = this.#nextGroup();
      let groupBytes = 0;
      for (const { data } of group) groupBytes += data.length;
      if (this.#handedBytes > 0 && this.#handedBytes + groupBytes > storeLimits.proposalsHandedBytesMax)
        return;
      const entries = group.map(({ data }) => ({ type: 'normal' as const, data }));
      const { term } = raft;
      this.#refusal = raft.propose(entries);
      if (this.#refusal !== null) return;
      for (const proposal of group) proposal.proposedIn = term;
      this.#handedBytes += groupBytes;
      this.#waiting.splice(0, group.length);
    }
  }

  /** One of ours was applied. */
  applied(origin: number, incarnation: number, request: number, result: unknown): void {
    if (origin !== this.#origin || incarnation !== this.#incarnation) return;
    const proposal = this.#open.get(request);
    if (proposal === undefined) return;
    this.#forget(proposal);
    proposal.resolve(result);
  }

  /** An entry of a new term is being applied: what was proposed in an earlier one is lost, and waits again. */
  termReached(term: Term): void {
    const lost = [...this.#open.values()].filter(
      ({ proposedIn }) => proposedIn !== null && proposedIn < term,
    );
    for (const proposal of lost) {
      proposal.proposedIn = null;
      this.#handedBytes -= proposal.data.length;
    }
    if (lost.length > 0) this.#waiting = [...lost, ...this.#waiting];
  }

  /** A snapshot took the place of entries that were never applied one by one here: nobody knows what became of these. */
  outcomesUnknown(): void {
    for (const proposal of this.#open.values())
      if (proposal.proposedIn !== null) this.#refuse(proposal, new ReplicaError('timeout'));
  }

  expire(nowMs: number): void {
    for (const proposal of this.#open.values()) {
      if (proposal.deadlineMs > nowMs) break;
      const code = proposal.proposedIn === null ? codeOf(this.#refusal) : 'timeout';
      this.#refuse(proposal, new ReplicaError(code));
    }
    if (this.#waiting.some(({ request }) => !this.#open.has(request)))
      this.#waiting = this.#waiting.filter(({ request }) => this.#open.has(request));
  }

  stop(): void {
    for (const proposal of this.#open.values()) this.#refuse(proposal, new ReplicaError('stopped'));
    this.#waiting = [];
  }

  #nextGroup(): readonly Proposal[] {
    let bytes = 0;
    let count = 0;
    for (const { data } of this.#waiting) {
      bytes += data.length;
      if (count > 0 && bytes > storeLimits.proposeGroupBytesMax) break;
      count += 1;
    }
    return this.#waiting.slice(0, count);
  }

  #refuse(proposal: Proposal, error: ReplicaError): void {
    this.#forget(proposal);
    this.#refused += 1;
    proposal.reject(error);
  }

  #forget(proposal: Proposal): void {
    this.#open.delete(proposal.request);
    this.#openBytes -= proposal.data.length;
    if (proposal.proposedIn !== null) this.#handedBytes -= proposal.data.length;
  }
}

function codeOf(refusal: Refusal | null): ReplicaErrorCode {
  if (refusal === 'too-many-uncommitted') return 'too-many-requests';
  if (refusal === 'not-a-member' || refusal === 'witness') return 'not-capable';
  return refusal === 'no-leader' ? 'no-leader' : 'timeout';
}
