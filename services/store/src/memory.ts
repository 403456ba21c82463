import { storeLimits } from './limits.js';

/** How much of keys, history and leases a process takes, in bytes as the store estimates them. */
export interface MemoryBounds {
  /** Above, writes are refused. */
  readonly quotaBytes: number;
  /** What there may be with the tombstones of all keys: beyond it, deletions and a restart would not find room. */
  readonly heldBytesMax: number;
}

const mebibyte = 1024 * 1024;

/**
 * Keys and values live on V8's heap, whose limit follows from the machine's memory (or its cgroup's) or from --max-old-space-size; beyond the limit
 * the process dies, and again at each start (docs/decisions/0025). `wantedQuotaBytes` null: nobody has said.
 */
export function memoryBounds(wantedQuotaBytes: number | null, heapLimitBytes: number): MemoryBounds {
  const { quotaHeapShare, quotaBackendBytesDefaultMax, heldHeapShare, heldHeapBesideBytes } = storeLimits;
  const heldBytesMax = Math.max(0, Math.floor(heldHeapShare * heapLimitBytes - heldHeapBesideBytes));
  const defaultBytes = Math.min(quotaBackendBytesDefaultMax, Math.floor(quotaHeapShare * heapLimitBytes));
  return { quotaBytes: Math.min(wantedQuotaBytes ?? defaultBytes, heldBytesMax), heldBytesMax };
}

/** The --max-old-space-size, in MiB, with which a process can hold so much. */
export const oldSpaceMebibytesFor = (heldBytes: number): number =>
  Math.ceil((heldBytes + storeLimits.heldHeapBesideBytes) / storeLimits.heldHeapShare / mebibyte);
