import { describe, expect, it } from 'vitest';
import { authLimits } from '../../src/auth/limits.js';
import { TokenTable } from '../../src/auth/tokens.js';

const issued = (digest: string, user = 'u') => ({ kind: 'issued', digest, user }) as const;

describe('tokens', () => {
  it('live as long as they are used', () => {
    const tokens = new TokenTable();
    tokens.apply(issued('a'), 0);
    const late = authLimits.tokenTtlMs - 1;
    expect(tokens.use('a', late)).toBe('u');
    expect(tokens.use('a', 2 * late)).toBe('u');
    expect(tokens.use('a', 2 * late + authLimits.tokenTtlMs)).toBeUndefined();
    expect(tokens.size).toBe(0);
    expect(tokens.use('never', 0)).toBeUndefined();
  });

  it('that have ended go when another comes', () => {
    const tokens = new TokenTable();
    for (const digest of ['a', 'b', 'c']) tokens.apply(issued(digest), 0);
    tokens.use('a', 1_000);
    tokens.apply(issued('d'), authLimits.tokenTtlMs + 500);
    expect(tokens.size).toBe(2);
    expect(tokens.use('a', authLimits.tokenTtlMs + 500)).toBe('u');
  });

  it('are bounded: the one that was not used for longest goes', () => {
    const tokens = new TokenTable();
    for (let at = 0; at < authLimits.tokensMax; at += 1) tokens.apply(issued(String(at)), at / 1_000);
    tokens.use('0', 100);
    tokens.apply(issued('one more'), 100);
    expect(tokens.size).toBe(authLimits.tokensMax);
    expect(tokens.use('0', 100)).toBe('u');
    expect(tokens.use('1', 100)).toBeUndefined();
  });

  it('go with their user, or all together', () => {
    const tokens = new TokenTable();
    tokens.apply(issued('a', 'alice'), 0);
    tokens.apply(issued('b', 'bob'), 0);
    tokens.apply({ kind: 'user-gone', user: 'alice' }, 0);
    expect([tokens.use('a', 0), tokens.use('b', 0)]).toEqual([undefined, 'bob']);
    tokens.apply({ kind: 'all-gone' }, 0);
    expect(tokens.size).toBe(0);
  });
});
