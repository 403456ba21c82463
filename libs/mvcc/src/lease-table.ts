import { mvccLimits } from './limits.js';
import { sizeOfLeases } from './sizes.js';
import { assert, MvccError, noLease, type Binary, type LeaseId } from './types.js';

export interface Lease {
  readonly id: LeaseId;
  readonly ttlSeconds: number;
  /** Keys that go with the lease. */
  readonly keys: ReadonlySet<Binary>;
}

interface MutableLease extends Lease {
  readonly keys: Set<Binary>;
}

/** The replicated part of leases: who holds which keys. When they end is the leader's business (lease-clock.ts). */
export class LeaseTable {
  readonly #leases = new Map<LeaseId, MutableLease>();

  get size(): number {
    return this.#leases.size;
  }

  /** Estimated memory of all leases. */
  get sizeBytes(): number {
    return sizeOfLeases(this.#leases.size);
  }

  get(id: LeaseId): Lease | undefined {
    return this.#leases.get(id);
  }

  all(): IterableIterator<Lease> {
    return this.#leases.values();
  }

  /** A TTL below a second counts as one. Throws MvccError. */
  grant(id: LeaseId, ttlSeconds: number): Lease {
    if (id === noLease) throw new MvccError('lease-not-found');
    if (ttlSeconds > mvccLimits.leaseTtlSecondsMax) throw new MvccError('lease-ttl-too-large');
    if (this.#leases.has(id)) throw new MvccError('lease-exists');
    const lease: MutableLease = { id, ttlSeconds: Math.max(1, ttlSeconds), keys: new Set() };
    this.#leases.set(id, lease);
    return lease;
  }

  /** Throws MvccError. */
  require(id: LeaseId): Lease {
    const lease = this.#leases.get(id);
    if (lease === undefined) throw new MvccError('lease-not-found');
    return lease;
  }

  remove(id: LeaseId): void {
    const lease = this.#leases.get(id);
    assert(lease !== undefined && lease.keys.size === 0, 'a lease goes after its keys');
    this.#leases.delete(id);
  }

  /** The key's lease was `before` and is `after`. */
  move(key: Binary, before: LeaseId, after: LeaseId): void {
    if (before === after) return;
    if (before !== noLease) this.#leases.get(before)?.keys.delete(key);
    if (after === noLease) return;
    const lease = this.#leases.get(after);
    assert(lease !== undefined, 'a key is attached to a lease that is not there');
    lease.keys.add(key);
  }
}
