import { controllerLimits } from '../limits.js';

/**
 * What a controller did and its cache does not show yet. While anything is outstanding the cache must not be counted: it would
 * lead to a second creation. Kept by name of the object, so that an event counts once however often it comes.
 */
export class Expectations {
  readonly #outstanding = new Map<string, { readonly objects: Set<string>; sinceMs: number }>();
  readonly #timeoutMs: number;

  constructor(timeoutMs: number = controllerLimits.expectationTimeoutMs) {
    this.#timeoutMs = timeoutMs;
  }

  expect(key: string, object: string, nowMs: number): void {
    const entry = this.#outstanding.get(key);
    if (entry === undefined) {
      this.#outstanding.set(key, { objects: new Set([object]), sinceMs: nowMs });
      return;
    }
    entry.objects.add(object);
    entry.sinceMs = nowMs;
  }

  /** Seen in the cache, or known not to come. */
  observed(key: string, object: string): void {
    const entry = this.#outstanding.get(key);
    entry?.objects.delete(object);
    if (entry?.objects.size === 0) this.#outstanding.delete(key);
  }

  /** 0: nothing is outstanding; else after how long to give up waiting. */
  waitMs(key: string, nowMs: number): number {
    const entry = this.#outstanding.get(key);
    if (entry === undefined) return 0;
    const leftMs = entry.sinceMs + this.#timeoutMs - nowMs;
    if (leftMs > 0) return leftMs;
    this.#outstanding.delete(key);
    return 0;
  }

  forget(key: string): void {
    this.#outstanding.delete(key);
  }
}

export const creationOf = (podKey: string): string => `+${podKey}`;
export const deletionOf = (uid: string): string => `-${uid}`;
