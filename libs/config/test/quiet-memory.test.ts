import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createLook, keepSmallWhenQuiet, type Look } from '../src/quiet-memory.js';

const mib = 1024 * 1024;

describe('memory of a quiet process', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }));
  afterEach(() => void vi.useRealTimers());

  function collections(looks: readonly Look[], signal = new AbortController().signal): number {
    const left = [...looks];
    const collect = vi.fn<(options: { readonly type: 'minor' }) => void>();
    keepSmallWhenQuiet(signal, { collect, look: () => left.shift()! });
    vi.advanceTimersByTime(10_000 * looks.length);
    return collect.mock.calls.length;
  }

  it('is collected until it is small', () => {
    const looks = [16, 16, 2, 1].map((size) => ({ utilization: 0.01, newSpaceBytes: size * mib }));
    expect(collections(looks)).toBe(2);
  });

  it('is left alone while the process works', () => {
    const looks = [1, 0.5, 0.11].map((utilization) => ({ utilization, newSpaceBytes: 16 * mib }));
    expect(collections(looks)).toBe(0);
  });

  it('is not looked at once the process is to end', () => {
    const controller = new AbortController();
    controller.abort();
    expect(collections([{ utilization: 0, newSpaceBytes: 16 * mib }], controller.signal)).toBe(0);
  });

  it('is that of this process', () => {
    const look = createLook();
    const until = performance.now() + 20;
    while (performance.now() < until);
    const { utilization, newSpaceBytes } = look();
    expect(utilization).toBeGreaterThan(0);
    expect(utilization).toBeLessThanOrEqual(1);
    expect(newSpaceBytes).toBeGreaterThan(mib / 2);
  });
});
