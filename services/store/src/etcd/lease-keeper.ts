import { LeaseClock, MvccError, type LeaseId } from '@raftsman/mvcc';
import { ReplicaError, type ReplicaStatus } from '../contract.js';
import { propose, storeOf, type Context } from './context.js';
import { toEtcdError } from './errors.js';
import { etcdLimits } from './limits.js';

/** Whether this member keeps the leases' time. */
type Keeping =
  | { readonly kind: 'follower' }
  | { readonly kind: 'leader'; readonly clock: LeaseClock; readonly term: number };

/**
 * The leader's part in leases: their time and their end. Renewals touch nothing but its memory; an end is proposed as a
 * command that counts only in the leader's own term. A new leader gives every lease its full time again.
 */
export class LeaseKeeper {
  readonly #context: Context;
  readonly #stop: () => void;
  readonly #revoking = new Map<LeaseId, Promise<void>>();
  #keeping: Keeping = { kind: 'follower' };
  #timer: NodeJS.Timeout | undefined;
  #timerDueMs = Infinity;

  constructor(context: Context) {
    this.#context = context;
    context.stateMachine.leaseListener = {
      granted: (lease) => {
        if (this.#keeping.kind === 'leader') this.#keeping.clock.granted(lease, now());
        this.#schedule();
      },
      removed: (id) => {
        if (this.#keeping.kind === 'leader') this.#keeping.clock.removed(id);
      },
      replaced: () => this.#lead(context.replica.status()),
    };
    this.#stop = context.replica.onStatusChange((status) => {
      const { kind } = this.#keeping;
      if (status.role !== 'leader') this.#follow();
      else if (kind === 'follower' || this.#keeping.term !== status.term) this.#lead(status);
    });
  }

  /** Whether the leases' time is kept here: else the leader must be asked. */
  get leads(): boolean {
    return this.#keeping.kind === 'leader';
  }

  /** Seconds that the lease lives from now on; undefined: there is no such lease. Rejects with ReplicaError if this member cannot prove that it leads, or its end was proposed. */
  async renew(id: LeaseId): Promise<number | undefined> {
    // Another member may lead by now, and may have revoked the lease (etcd-io/etcd#15247).
    await this.#context.replica.readIndex();
    if (this.#keeping.kind !== 'leader') return undefined;
    const renewed = this.#keeping.clock.renew(id, now());
    if (renewed === undefined) return undefined;
    if (renewed !== 'expiring') {
      this.#context.stateMachine.counts.leaseRenew += 1;
      return renewed.ttlMs / 1000;
    }
    await this.#revoking.get(id);
    if (storeOf(this.#context).leases.get(id) === undefined) return undefined;
    // The attempt may still end it, or a newer leader keeps its time: nothing can be promised.
    throw new ReplicaError('timeout');
  }

  /** Seconds, cut to a whole number as etcd does; undefined: there is no such lease. */
  remainingSeconds(id: LeaseId): number | undefined {
    if (this.#keeping.kind !== 'leader') return undefined;
    const remainingMs = this.#keeping.clock.remainingMs(id, now());
    return remainingMs === undefined ? undefined : Math.floor(remainingMs / 1000);
  }

  close(): void {
    this.#stop();
    this.#follow();
    this.#context.stateMachine.leaseListener = null;
  }

  #follow(): void {
    this.#keeping = { kind: 'follower' };
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#timerDueMs = Infinity;
  }

  #lead({ role, term }: ReplicaStatus): void {
    this.#follow();
    if (role !== 'leader') return;
    const { leases } = storeOf(this.#context);
    const clock = new LeaseClock(leases.all(), now(), this.#context.config.electionTimeoutMs);
    this.#keeping = { kind: 'leader', clock, term };
    this.#schedule();
  }

  #schedule(): void {
    if (this.#keeping.kind !== 'leader') return;
    const dueMs = this.#keeping.clock.nextDueMs();
    if (dueMs === null || dueMs >= this.#timerDueMs) return;
    clearTimeout(this.#timer);
    this.#timerDueMs = dueMs;
    const waitMs = Math.min(Math.max(0, Math.ceil(dueMs - now())), etcdLimits.timerMsMax);
    this.#timer = setTimeout(() => {
      this.#timerDueMs = Infinity;
      this.#expire();
    }, waitMs);
  }

  #expire(): void {
    if (this.#keeping.kind !== 'leader') return;
    const { clock, term } = this.#keeping;
    const free = etcdLimits.leaseRevocationsInFlightMax - this.#revoking.size;
    for (const id of clock.due(now(), free)) {
      const revoked = this.#revoke(id, term, clock).finally(() => {
        this.#revoking.delete(id);
        this.#expire();
      });
      this.#revoking.set(id, revoked);
    }
    // With all of them in flight, the end of one comes back here.
    if (this.#revoking.size < etcdLimits.leaseRevocationsInFlightMax) this.#schedule();
  }

  /** Never rejects but for a bug. */
  async #revoke(id: LeaseId, term: number, clock: LeaseClock): Promise<void> {
    // Every member would refuse it: the log is spared.
    if (this.#context.stateMachine.alarms.corrupt) {
      clock.retry(id, now() + etcdLimits.leaseRevocationRetryMs);
      return;
    }
    try {
      await propose(this.#context, { kind: 'lease-expire', id, term });
      this.#context.stateMachine.counts.leaseExpire += 1;
    } catch (error) {
      if (toEtcdError(error) === undefined) throw error;
      // Gone already, or another term: then this clock is not asked any more.
      if (error instanceof MvccError) return;
      clock.retry(id, now() + etcdLimits.leaseRevocationRetryMs);
    }
  }
}

/** Milliseconds of a clock that never goes back. */
const now = (): number => performance.now();
