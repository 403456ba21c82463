import type { Binary } from '@raftsman/mvcc';
import { authLimits } from './limits.js';

/** What becomes of tokens when a command is applied. */
export type TokenChange =
  | { readonly kind: 'issued'; readonly digest: Binary; readonly user: string }
  | { readonly kind: 'user-gone'; readonly user: string }
  | { readonly kind: 'all-gone' };

interface Token {
  readonly user: string;
  readonly goneAtMs: number;
}

/**
 * The tokens that one member knows, by their digests. Every member applies the same commands and so gets to know every token, but
 * each counts the time for itself: a token lives on where it is used. Nothing of it is stored.
 *
 * Invariant: in the order in which they end.
 */
export class TokenTable {
  readonly #tokens = new Map<Binary, Token>();

  get size(): number {
    return this.#tokens.size;
  }

  apply(change: TokenChange, nowMs: number): void {
    switch (change.kind) {
      case 'issued':
        this.#put(change.digest, change.user, nowMs);
        this.#makeRoom(nowMs);
        break;
      case 'user-gone':
        for (const [digest, { user }] of this.#tokens) if (user === change.user) this.#tokens.delete(digest);
        break;
      case 'all-gone':
        this.#tokens.clear();
    }
  }

  /** Whose token it is; it lives anew from now on. undefined: there is none such. */
  use(digest: Binary, nowMs: number): string | undefined {
    const token = this.#tokens.get(digest);
    if (token === undefined || token.goneAtMs <= nowMs) {
      this.#tokens.delete(digest);
      return undefined;
    }
    this.#put(digest, token.user, nowMs);
    return token.user;
  }

  #put(digest: Binary, user: string, nowMs: number): void {
    this.#tokens.delete(digest);
    this.#tokens.set(digest, { user, goneAtMs: nowMs + authLimits.tokenTtlMs });
  }

  #makeRoom(nowMs: number): void {
    for (const [digest, { goneAtMs }] of this.#tokens) {
      if (goneAtMs > nowMs && this.#tokens.size <= authLimits.tokensMax) return;
      this.#tokens.delete(digest);
    }
  }
}
