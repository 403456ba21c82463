/** Which pod is next. Pure: time is an argument (milliseconds of a monotonic clock). */

export interface QueueLimits {
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
  /** An unschedulable pod is tried again after this even if nothing was seen to change. */
  readonly unschedulableMaxMs: number;
}

export interface QueuedPod {
  readonly key: string;
  readonly priority: number;
}

type Place =
  | { readonly kind: 'active' }
  /** Failed a moment ago. */
  | { readonly kind: 'backoff'; readonly untilMs: number }
  /** Fits nowhere until something changes. */
  | { readonly kind: 'unschedulable'; readonly backoffUntilMs: number; readonly untilMs: number }
  /** Being decided or bound. */
  | { readonly kind: 'inFlight'; readonly wakeUps: number };

interface Entry {
  readonly pod: QueuedPod;
  readonly order: number;
  attempts: number;
  place: Place;
}

/**
 * Pods in three places: active (by priority, then by age), backing off, unschedulable.
 * Invariant: a key is in one place only, and the pod that `pop` answered stays in flight until it is put back or removed.
 */
export class SchedulingQueue {
  readonly #limits: QueueLimits;
  readonly #entries = new Map<string, Entry>();
  #order = 0;
  /** How often something changed that may make room: a pod in flight meanwhile does not wait for the next change. */
  #wakeUps = 0;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** A pod to schedule. One that waits already keeps its place, but a new spec (`changed`) is worth a new try. */
  add(pod: QueuedPod, nowMs: number, changed = false): void {
    const entry = this.#entries.get(pod.key);
    if (entry === undefined) {
      this.#order += 1;
      this.#entries.set(pod.key, { pod, order: this.#order, attempts: 0, place: { kind: 'active' } });
    } else if (changed) this.#wake(entry, nowMs);
  }

  remove(key: string): void {
    this.#entries.delete(key);
  }

  /** The next pod, or undefined if none is due. */
  pop(nowMs: number): QueuedPod | undefined {
    let next: Entry | undefined;
    for (const entry of this.#entries.values()) {
      if (this.#dueMs(entry) > nowMs) continue;
      const before =
        next !== undefined && (next.pod.priority - entry.pod.priority || entry.order - next.order) >= 0;
      if (!before) next = entry;
    }
    if (next === undefined) return undefined;
    next.attempts += 1;
    next.place = { kind: 'inFlight', wakeUps: this.#wakeUps };
    return next.pod;
  }

  /** No node took it: it waits for a change. */
  unschedulable(key: string, nowMs: number): void {
    const entry = this.#entries.get(key);
    if (entry?.place.kind !== 'inFlight') return;
    const backoffUntilMs = nowMs + this.#backoffMs(entry);
    const changedMeanwhile = entry.place.wakeUps !== this.#wakeUps;
    entry.place = changedMeanwhile
      ? { kind: 'backoff', untilMs: backoffUntilMs }
      : { kind: 'unschedulable', backoffUntilMs, untilMs: nowMs + this.#limits.unschedulableMaxMs };
  }

  /** Something went wrong that a retry may cure. */
  failed(key: string, nowMs: number): void {
    const entry = this.#entries.get(key);
    if (entry?.place.kind !== 'inFlight') return;
    entry.place = { kind: 'backoff', untilMs: nowMs + this.#backoffMs(entry) };
  }

  /** A change that may make room: a node came or grew, a pod left. */
  wakeAll(nowMs: number): void {
    this.#wakeUps += 1;
    for (const entry of this.#entries.values()) this.#wake(entry, nowMs);
  }

  /** When the next pod is due; undefined: not before something happens. */
  nextDueMs(): number | undefined {
    let next = Infinity;
    for (const entry of this.#entries.values()) next = Math.min(next, this.#dueMs(entry));
    return next === Infinity ? undefined : next;
  }

  #wake(entry: Entry, nowMs: number): void {
    if (entry.place.kind !== 'unschedulable') return;
    const { backoffUntilMs } = entry.place;
    entry.place = backoffUntilMs <= nowMs ? { kind: 'active' } : { kind: 'backoff', untilMs: backoffUntilMs };
  }

  #dueMs({ place }: Entry): number {
    switch (place.kind) {
      case 'active':
        return 0;
      case 'backoff':
      case 'unschedulable':
        return place.untilMs;
      case 'inFlight':
        return Infinity;
    }
  }

  #backoffMs({ attempts }: Entry): number {
    return Math.min(this.#limits.backoffMinMs * 2 ** Math.min(attempts - 1, 30), this.#limits.backoffMaxMs);
  }
}
