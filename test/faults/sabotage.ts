import { faultKinds, type FaultKind } from './nemesis.js';

interface Replacement {
  /** The end of a compiled module's path. */
  readonly file: string;
  readonly search: string;
  readonly replace: string;
}

/** A bug that is planted into running members by a module loader, and what must give it away. */
export interface Sabotage {
  readonly name: string;
  readonly plan: readonly Replacement[];
  readonly faults: readonly FaultKind[];
  /** At most: the run ends with the phase that finds it. */
  readonly durationMs: number;
  /** One of the anomalies says this. */
  readonly foundAs: RegExp;
  /** Part of every test run; the others with SABOTAGE=all. */
  readonly isUsual: boolean;
}

const faults = (...names: readonly string[]): readonly FaultKind[] =>
  faultKinds.filter(({ name }) => names.includes(name));

export const sabotages: readonly Sabotage[] = [
  {
    name: 'reads are answered without asking the leader',
    plan: [
      {
        file: 'services/store/dist/etcd/kv.js',
        search: 'await context.replica.readIndex()',
        replace: 'await undefined',
      },
    ],
    faults: faults('isolate', 'pause'),
    durationMs: 180_000,
    isUsual: true,
    foundAs: /^not linearizable/,
  },
  {
    name: 'a write is committed once the leader alone has it',
    plan: [
      {
        file: 'libs/raft/dist/quorum.js',
        search: 'if (reached >= needed)',
        replace: 'if (reached >= 1)',
      },
    ],
    faults: faults('isolate', 'pause', 'kill'),
    durationMs: 180_000,
    isUsual: true,
    foundAs: /not linearizable|was acknowledged with revision|two observers saw/,
  },
  {
    name: 'a watch drops an event in a thousand',
    plan: [
      {
        file: 'services/store/dist/etcd/watch-stream.js',
        search: 'for (const kv of changes) {',
        replace: 'for (const kv of changes) { if (Math.random() < 0.001 && changes.length > 1) continue;',
      },
    ],
    faults: [],
    durationMs: 180_000,
    isUsual: true,
    foundAs: /: Reliable: |two observers saw/,
  },
  {
    name: 'a write is acknowledged before the journal has it',
    plan: [
      {
        file: 'libs/journal/dist/journal.js',
        search:
          'await this.#exclusively(() => this.#put({ entries, hardState, install, compacted, known: null }))',
        replace: `const put = () => this.#put({ entries, hardState, install, compacted, known: null });
          const due = new Promise((resolve) => setTimeout(resolve, 300));
          this.late = (this.late ?? Promise.resolve()).then(() => due).then(() => this.#exclusively(put))`,
      },
    ],
    faults: faults('kill all'),
    durationMs: 180_000,
    isUsual: false,
    foundAs: /was acknowledged with revision|not linearizable|two observers saw/,
  },
  {
    name: 'the clock of the leases runs twice as fast',
    plan: [
      {
        file: 'services/store/dist/etcd/lease-keeper.js',
        search: '=> performance.now()',
        replace: '=> performance.now() * 2',
      },
    ],
    faults: [],
    durationMs: 180_000,
    isUsual: false,
    foundAs: /lease \d+ ended \d+ ms early/,
  },
];

/** The word after `node --import`. */
export function sabotagePreload({ plan }: Sabotage): string {
  const url = new URL('./sabotage/preload.mjs', import.meta.url);
  url.searchParams.set('plan', JSON.stringify(plan));
  return url.href;
}
