/** The coordination.k8s.io/v1 Lease as leader election uses it; no clocks in here. */
export interface LeaseSpec {
  holderIdentity?: string;
  leaseDurationSeconds?: number;
  /** RFC 3339 with microseconds. */
  acquireTime?: string;
  renewTime?: string;
  leaseTransitions?: number;
}

const microTimeOf = (wallMs: number): string => new Date(wallMs).toISOString().replace('Z', '000Z');

/**
 * When the lease may be taken, on the monotonic clock of the observer: `observedAtMs` is when this process saw the record
 * change last. The times inside the record are the holder's clock and are never compared with ours.
 */
export function freeAtMs(spec: LeaseSpec, observedAtMs: number, identity: string): number {
  const holder = spec.holderIdentity ?? '';
  if (holder === '' || holder === identity) return observedAtMs;
  return observedAtMs + (spec.leaseDurationSeconds ?? 0) * 1_000;
}

/** `before` is absent where there is no Lease yet. */
export function acquired(
  before: LeaseSpec | undefined,
  identity: string,
  durationMs: number,
  wallMs: number,
): LeaseSpec {
  const now = microTimeOf(wallMs);
  const same = before?.holderIdentity === identity;
  return {
    ...before,
    holderIdentity: identity,
    leaseDurationSeconds: Math.ceil(durationMs / 1_000),
    acquireTime: same ? (before.acquireTime ?? now) : now,
    renewTime: now,
    leaseTransitions: before === undefined ? 0 : (before.leaseTransitions ?? 0) + (same ? 0 : 1),
  };
}

export const renewed = (before: LeaseSpec, durationMs: number, wallMs: number): LeaseSpec => ({
  ...before,
  leaseDurationSeconds: Math.ceil(durationMs / 1_000),
  renewTime: microTimeOf(wallMs),
});

/** Nobody's: whoever sees it may take it at once. */
export function released({ holderIdentity: _holder, ...before }: LeaseSpec, wallMs: number): LeaseSpec {
  return { ...before, leaseDurationSeconds: 1, renewTime: microTimeOf(wallMs) };
}
