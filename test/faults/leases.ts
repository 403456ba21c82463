import type { ReplayedEvent } from '@raftsman/faults';

interface LeaseRecord {
  readonly ttlMs: number;
  /** When the last grant or renewal that was answered left the client. */
  renewedMs: number;
  revokeAskedMs: number;
}

/** A lease as JSON; `revokeAskedMs` null: nobody did. */
export interface SavedLease {
  readonly lease: string;
  readonly ttlMs: number;
  readonly renewedMs: number;
  readonly revokeAskedMs: number | null;
}

/** What clients know of their leases: none may end early, unless somebody asked for it. */
export class LeaseBook {
  readonly #leases = new Map<string, LeaseRecord>();

  static of(saved: readonly SavedLease[]): LeaseBook {
    const book = new LeaseBook();
    for (const { lease, revokeAskedMs, ...rest } of saved)
      book.#leases.set(lease, { ...rest, revokeAskedMs: revokeAskedMs ?? Infinity });
    return book;
  }

  save(): readonly SavedLease[] {
    return [...this.#leases].map(([lease, { ttlMs, renewedMs, revokeAskedMs }]) => ({
      lease,
      ttlMs,
      renewedMs,
      revokeAskedMs: revokeAskedMs === Infinity ? null : revokeAskedMs,
    }));
  }

  granted(lease: string, sentMs: number, ttlSeconds: number): void {
    this.#leases.set(lease, { ttlMs: ttlSeconds * 1_000, renewedMs: sentMs, revokeAskedMs: Infinity });
  }

  renewed(lease: string, sentMs: number): void {
    const record = this.#leases.get(lease);
    if (record !== undefined) record.renewedMs = Math.max(record.renewedMs, sentMs);
  }

  revokeAsked(lease: string, atMs: number): void {
    const record = this.#leases.get(lease);
    if (record !== undefined) record.revokeAskedMs = Math.min(record.revokeAskedMs, atMs);
  }

  /** Whether an event of the end of a lease came too early; `seenMs`: when it was first seen. */
  tooEarly({ type, kv, previous }: ReplayedEvent, seenMs: number): string | null {
    const record = this.#leases.get(previous?.lease ?? '0');
    if (type !== 'DELETE' || record === undefined || record.revokeAskedMs <= seenMs) return null;
    const dueMs = record.renewedMs + record.ttlMs;
    if (seenMs >= dueMs) return null;
    return `lease ${previous?.lease} ended ${Math.round(dueMs - seenMs)} ms early, with ${kv.key} at revision ${kv.modRevision}`;
  }

  /** Leases that must have ended by then. */
  isOver(lease: string, nowMs: number, graceMs: number): boolean {
    const record = this.#leases.get(lease);
    return record !== undefined && nowMs > record.renewedMs + record.ttlMs + graceMs;
  }
}
