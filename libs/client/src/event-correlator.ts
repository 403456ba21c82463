import { clientLimits } from './limits.js';

export interface ObjectReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
}

/** One observation, before it becomes an Event object. */
export interface Observation {
  /** Who saw it: the Event's source. */
  readonly component: string;
  readonly regarding: ObjectReference;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  readonly atMs: number;
}

/** `key` tells Events apart: the same key raises the count of one Event. */
export type Correlated =
  { readonly kind: 'drop' } | { readonly kind: 'record'; readonly key: string; readonly message: string };

/** A map that forgets the entry that was used longest ago. */
export class BoundedMap<V> {
  readonly #entries = new Map<string, V>();
  readonly #sizeMax: number;

  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax;
  }

  get(key: string): V | undefined {
    const value = this.#entries.get(key);
    if (value !== undefined) {
      this.#entries.delete(key);
      this.#entries.set(key, value);
    }
    return value;
  }

  set(key: string, value: V): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#sizeMax) return;
      this.#entries.delete(oldest);
    }
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }
}

interface Similar {
  readonly messages: Set<string>;
  lastMs: number;
}
interface Budget {
  tokens: number;
  refilledMs: number;
}

/**
 * Decides what becomes of an observation, as client-go's EventCorrelator: many different messages of one object and reason
 * become one, equal ones are counted, and an object that says too much is not heard. Pure but for its own memory.
 */
export class EventCorrelator {
  readonly #similar = new BoundedMap<Similar>(clientLimits.eventCacheMax);
  readonly #budgets = new BoundedMap<Budget>(clientLimits.eventBudgetsMax);

  correlate(observation: Observation): Correlated {
    const { component, regarding, type, reason, message, atMs } = observation;
    const object = [regarding.kind, regarding.namespace, regarding.name, regarding.uid].join('/');
    if (!this.#spend(object, atMs)) return { kind: 'drop' };
    const group = [component, object, type, reason].join('|');
    const similar = this.#similar.get(group) ?? { messages: new Set<string>(), lastMs: atMs };
    if (atMs - similar.lastMs > clientLimits.eventAggregateMs) similar.messages.clear();
    similar.lastMs = atMs;
    if (similar.messages.size < clientLimits.eventAggregateMax) similar.messages.add(message);
    this.#similar.set(group, similar);
    const many = similar.messages.size >= clientLimits.eventAggregateMax;
    return many
      ? { kind: 'record', key: group, message: `(combined from similar events): ${message}` }
      : { kind: 'record', key: `${group}|${message}`, message };
  }

  #spend(object: string, atMs: number): boolean {
    const budget = this.#budgets.get(object) ?? { tokens: clientLimits.eventBurst, refilledMs: atMs };
    const refill = Math.floor((atMs - budget.refilledMs) / clientLimits.eventRefillMs);
    if (refill > 0) {
      budget.tokens = Math.min(budget.tokens + refill, clientLimits.eventBurst);
      budget.refilledMs += refill * clientLimits.eventRefillMs;
    }
    this.#budgets.set(object, budget);
    if (budget.tokens < 1) return false;
    budget.tokens -= 1;
    return true;
  }
}
