/** Which backend takes the next connection. Pure: the shell reports what it saw. */

export type BackendState =
  | { readonly kind: 'up' }
  /** It answers, and says that it is not ready: no new connections, the old ones may end in peace. */
  | { readonly kind: 'draining' }
  /** It refuses connections or does not answer. */
  | { readonly kind: 'down'; readonly timeoutsInARow: number };

export type HealthReport = 'ready' | 'not-ready' | 'refused' | 'timeout';

/** Invariant: `connections` of a backend never falls below 0. */
export interface Pool {
  /** Backends in the order in which to try them: those that are up by fewest connections, then the rest in case the last check is old. */
  candidates(): readonly number[];
  opened(backend: number): void;
  closed(backend: number): void;
  /** A connection attempt failed: as good as a failed health check. */
  connectFailed(backend: number): void;
  /** `cut`: connections to this backend lead nowhere and must be closed, so that their clients come back. */
  report(backend: number, report: HealthReport): { readonly changed: boolean; readonly cut: boolean };
  state(backend: number): BackendState;
  connections(backend: number): number;
}

export function createPool(size: number, timeoutsBeforeCut: number): Pool {
  const states: BackendState[] = Array.from({ length: size }, () => ({ kind: 'down', timeoutsInARow: 0 }));
  const connections: number[] = Array.from({ length: size }, () => 0);
  let turn = 0;

  const rank = (backend: number): number => ({ up: 0, draining: 1, down: 2 })[states[backend]!.kind];

  return {
    candidates: () => {
      turn += 1;
      const order = Array.from({ length: size }, (_, i) => (i + turn) % size);
      return order.sort((a, b) => rank(a) - rank(b) || connections[a]! - connections[b]!);
    },
    opened: (backend) => void (connections[backend]! += 1),
    closed: (backend) => {
      if (connections[backend]! <= 0) throw new RangeError(`backend ${backend} has no connection to close`);
      connections[backend]! -= 1;
    },
    connectFailed: (backend) => {
      if (states[backend]!.kind !== 'down') states[backend] = { kind: 'down', timeoutsInARow: 0 };
    },
    report: (backend, report) => {
      const before = states[backend]!;
      const after = next(before, report);
      states[backend] = after;
      return {
        changed: before.kind !== after.kind,
        cut: after.kind === 'down' && after.timeoutsInARow === timeoutsBeforeCut,
      };
    },
    state: (backend) => states[backend]!,
    connections: (backend) => connections[backend]!,
  };
}

function next(before: BackendState, report: HealthReport): BackendState {
  switch (report) {
    case 'ready':
      return { kind: 'up' };
    case 'not-ready':
      return { kind: 'draining' };
    case 'refused':
      return { kind: 'down', timeoutsInARow: 0 };
    case 'timeout': {
      const timeoutsInARow = (before.kind === 'down' ? before.timeoutsInARow : 0) + 1;
      return { kind: 'down', timeoutsInARow };
    }
  }
}
