import { describe, expect, it } from 'vitest';
import { createPool } from '../src/pool.js';

describe('pool', () => {
  it('prefers backends that are up, those with fewest connections first', () => {
    const pool = createPool(3, 2);
    pool.report(0, 'ready');
    pool.report(1, 'ready');
    pool.report(2, 'not-ready');
    pool.opened(0);
    expect(pool.candidates()).toEqual([1, 0, 2]);
    pool.opened(1);
    pool.opened(1);
    expect(pool.candidates()).toEqual([0, 1, 2]);
  });

  it('spreads over equals and still tries everybody when nobody is up', () => {
    const pool = createPool(3, 2);
    const first = new Set([pool.candidates()[0], pool.candidates()[0], pool.candidates()[0]]);
    expect(first).toEqual(new Set([0, 1, 2]));
  });

  it('puts a backend last as soon as a connection to it fails', () => {
    const pool = createPool(2, 2);
    pool.report(0, 'ready');
    pool.report(1, 'ready');
    pool.connectFailed(0);
    expect(pool.candidates().at(-1)).toBe(0);
    expect(pool.report(0, 'ready')).toEqual({ changed: true, cut: false });
  });

  it('cuts the connections of a backend that is gone, once, and never those of one that drains', () => {
    const pool = createPool(1, 2);
    pool.report(0, 'ready');
    expect(pool.report(0, 'not-ready')).toEqual({ changed: true, cut: false });
    expect(pool.report(0, 'timeout')).toEqual({ changed: true, cut: false });
    expect(pool.report(0, 'timeout')).toEqual({ changed: false, cut: true });
    expect(pool.report(0, 'timeout')).toEqual({ changed: false, cut: false });
  });

  it('asserts its count', () => {
    expect(() => createPool(1, 2).closed(0)).toThrow(RangeError);
  });
});
