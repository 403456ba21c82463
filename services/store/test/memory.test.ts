import { describe, expect, test } from 'vitest';
import { memoryBounds, oldSpaceMebibytesFor } from '../src/memory.js';

const mebibyte = 2 ** 20;

describe('what a process takes', () => {
  test('is half of the heap limit by default, and no more than etcd takes', () => {
    expect(memoryBounds(null, 512 * mebibyte).quotaBytes).toBe(256 * mebibyte);
    expect(memoryBounds(null, 2_048 * mebibyte).quotaBytes).toBe(1_024 * mebibyte);
    expect(memoryBounds(null, 4_144 * mebibyte).quotaBytes).toBe(2_048 * mebibyte);
  });

  test('is what was asked for, as far as the process can hold it', () => {
    expect(memoryBounds(50_000, 512 * mebibyte).quotaBytes).toBe(50_000);
    const { quotaBytes, heldBytesMax } = memoryBounds(2_048 * mebibyte, 512 * mebibyte);
    expect(quotaBytes).toBe(heldBytesMax);
    expect(heldBytesMax / mebibyte).toBeCloseTo(369.6);
    expect(memoryBounds(null, 30 * mebibyte)).toEqual({ quotaBytes: 0, heldBytesMax: 0 });
  });

  test('tells the heap that would be enough', () => {
    const wanted = 2_048 * mebibyte;
    expect(memoryBounds(wanted, oldSpaceMebibytesFor(wanted) * mebibyte).quotaBytes).toBe(wanted);
    expect(memoryBounds(wanted, (oldSpaceMebibytesFor(wanted) - 1) * mebibyte).quotaBytes).toBeLessThan(
      wanted,
    );
  });
});
