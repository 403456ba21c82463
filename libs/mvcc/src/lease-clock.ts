import type { Lease } from './lease-table.js';
import { mvccLimits } from './limits.js';
import { assert, type LeaseId } from './types.js';

type Timer =
  | { readonly kind: 'running'; readonly ttlMs: number; readonly dueMs: number }
  /** Handed out by `due`: its revocation is on its way (null) or is tried again at `dueMs`. An attempt that failed may still take effect. */
  | { readonly kind: 'expiring'; readonly dueMs: number | null };

interface Appointment {
  readonly dueMs: number;
  readonly id: LeaseId;
}

/**
 * When leases end. Only the leader has one, made when it takes over, so that every lease then gets its full TTL anew: a lease
 * may live longer than granted, never shorter. Time is an argument: milliseconds of a monotonic clock.
 *
 * Each lease has an appointment in a heap. A renewal only changes the timer; an appointment that comes too early is made anew.
 */
export class LeaseClock {
  readonly #timers = new Map<LeaseId, Timer>();
  readonly #heap: Appointment[] = [];

  /** `graceMs`: on top of each TTL, for clients that first have to find the new leader. */
  constructor(leases: Iterable<Lease>, nowMs: number, graceMs: number) {
    for (const lease of leases)
      this.#start(lease.id, lease.ttlSeconds * 1000, nowMs + lease.ttlSeconds * 1000 + graceMs);
  }

  granted(lease: Lease, nowMs: number): void {
    this.#start(lease.id, lease.ttlSeconds * 1000, nowMs + lease.ttlSeconds * 1000);
  }

  removed(id: LeaseId): void {
    this.#timers.delete(id);
    if (this.#heap.length > 2 * this.#timers.size + mvccLimits.leaseAppointmentsSlack) this.#rebuild();
  }

  /** The new time to live; `expiring`: it is being revoked; undefined: there is no such lease. */
  renew(id: LeaseId, nowMs: number): { readonly ttlMs: number } | 'expiring' | undefined {
    const timer = this.#timers.get(id);
    if (timer === undefined) return undefined;
    if (timer.kind === 'expiring') return 'expiring';
    const { ttlMs } = timer;
    this.#timers.set(id, { kind: 'running', ttlMs, dueMs: nowMs + ttlMs });
    return { ttlMs };
  }

  /** What is left; 0 while it is being revoked; undefined: there is no such lease. */
  remainingMs(id: LeaseId, nowMs: number): number | undefined {
    const timer = this.#timers.get(id);
    if (timer === undefined) return undefined;
    return timer.kind === 'running' ? Math.max(0, timer.dueMs - nowMs) : 0;
  }

  /** Leases that have ended, at most `max`; each is handed out once, until `retry`. */
  due(nowMs: number, max: number): readonly LeaseId[] {
    const ended: LeaseId[] = [];
    while (ended.length < max && this.#heap.length > 0 && this.#heap[0]!.dueMs <= nowMs) {
      const { id } = this.#pop();
      const timer = this.#timers.get(id);
      if (timer === undefined || timer.dueMs === null) continue;
      if (timer.dueMs > nowMs) {
        this.#push({ dueMs: timer.dueMs, id });
        continue;
      }
      this.#timers.set(id, { kind: 'expiring', dueMs: null });
      ended.push(id);
    }
    return ended;
  }

  /** The revocation failed: the lease, which cannot be renewed any more, is due again at `dueMs`. */
  retry(id: LeaseId, dueMs: number): void {
    if (this.#timers.get(id)?.kind !== 'expiring') return;
    this.#timers.set(id, { kind: 'expiring', dueMs });
    this.#push({ dueMs, id });
  }

  /** When to ask `due` next; null: nothing runs. May be too early, never too late. */
  nextDueMs(): number | null {
    return this.#heap[0]?.dueMs ?? null;
  }

  #start(id: LeaseId, ttlMs: number, dueMs: number): void {
    this.#timers.set(id, { kind: 'running', ttlMs, dueMs });
    this.#push({ dueMs, id });
  }

  /** Without the appointments of leases that are gone. */
  #rebuild(): void {
    this.#heap.length = 0;
    for (const [id, { dueMs }] of this.#timers) if (dueMs !== null) this.#push({ dueMs, id });
  }

  #push(appointment: Appointment): void {
    const heap = this.#heap;
    let at = heap.push(appointment) - 1;
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if (heap[parent]!.dueMs <= appointment.dueMs) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = appointment;
  }

  #pop(): Appointment {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    assert(top !== undefined && last !== undefined, 'nothing is due');
    if (heap.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1]!.dueMs < heap[child]!.dueMs) child += 1;
      if (heap[child]!.dueMs >= last.dueMs) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return top;
  }
}
