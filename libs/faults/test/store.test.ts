import { describe, expect, it } from 'vitest';
import {
  checkLinearizability,
  emptyStore,
  isAnswered,
  storeModel,
  type KvInput,
  type KvOutput,
} from '@raftsman/faults';
import { bruteForce } from './brute-force.js';
import { seeded, simulatedHistory, type KvOperation } from './simulated.js';

const now = (): number => performance.now();
const model = storeModel(emptyStore);
const check = (operations: readonly KvOperation[]) => checkLinearizability(model, operations, { now });
const seeds = Array.from({ length: 40 }, (_, i) => i + 1);

const written = (operation: KvOperation): boolean => isAnswered(operation) && operation.input.op === 'put';
const withOutput = (operation: KvOperation, change: (output: KvOutput) => KvOutput): KvOperation =>
  isAnswered(operation)
    ? { ...operation, outcome: { ...operation.outcome, output: change(operation.outcome.output) } }
    : operation;

/** Each takes a linearizable history and breaks it in one way; null where it holds nothing to break. */
const mutations: Readonly<
  Record<string, (history: readonly KvOperation[], random: () => number) => KvOperation[] | null>
> = {
  'a stale read': (history) => {
    const read = history.findLastIndex(
      (one) =>
        isAnswered(one) &&
        one.input.op === 'range' &&
        'kvs' in one.outcome.output &&
        one.outcome.output.kvs.length > 0,
    );
    const operation = history[read];
    if (operation === undefined || !isAnswered(operation)) return null;
    // The same key, as a read found it that had ended before this one began.
    const older = history.findLast(
      (one) =>
        isAnswered(one) &&
        JSON.stringify(one.input) === JSON.stringify(operation.input) &&
        one.outcome.endMs < operation.startMs &&
        one.outcome.output.revision < operation.outcome.output.revision &&
        history.some(
          (write) =>
            isAnswered(write) &&
            write.input.op === 'put' &&
            write.outcome.output.revision > one.outcome.output.revision &&
            write.outcome.endMs < operation.startMs,
        ),
    );
    if (older === undefined || !isAnswered(older)) return null;
    return history.map((one, i) => (i === read ? withOutput(one, () => older.outcome.output) : one));
  },
  'a lost write': (history) => {
    // Answered with a revision, and gone: what follows does not know it.
    const at = history.findIndex(written);
    const operation = history[at];
    if (operation === undefined || !isAnswered(operation)) return null;
    const { revision } = operation.outcome.output;
    const phantom: KvOperation = {
      ...operation,
      process: 99,
      input: { op: 'put', key: 'k0', value: 'phantom' },
      outcome: { ...operation.outcome, output: { revision } },
    };
    return [...history, phantom];
  },
  'a reordered pair': (history) => {
    const writes = history.filter((one) => written(one));
    for (const [i, first] of writes.entries())
      for (const second of writes.slice(i + 1)) {
        if (!isAnswered(first) || !isAnswered(second)) continue;
        const [early, late] = first.startMs < second.startMs ? [first, second] : [second, first];
        if (!isAnswered(early) || early.outcome.endMs >= late.startMs) continue;
        const earlyOutput = early.outcome.output;
        const lateOutput = (late as typeof early).outcome.output;
        return history.map((one) => {
          if (one === early) return withOutput(one, () => lateOutput);
          return one === late ? withOutput(one, () => earlyOutput) : one;
        });
      }
    return null;
  },
  'a duplicated effect': (history) => {
    // The same put is answered once and happens twice: from there on, all revisions are one higher.
    const at = history.find(written);
    if (at === undefined || !isAnswered(at)) return null;
    const { revision } = at.outcome.output;
    return history.map((one) =>
      withOutput(one, (output) =>
        output.revision > revision ? { ...output, revision: output.revision + 1 } : output,
      ),
    );
  },
  'a deletion that deleted nothing': (history) => {
    const at = history.findIndex(
      (one) =>
        isAnswered(one) &&
        one.input.op === 'delete' &&
        'deleted' in one.outcome.output &&
        one.outcome.output.deleted === 1,
    );
    if (at < 0) return null;
    return history.map((one, i) =>
      i === at ? withOutput(one, (output) => ({ ...output, deleted: 0 }) as KvOutput) : one,
    );
  },
  'a comparison that came out wrong': (history) => {
    const at = history.findIndex(
      (one) =>
        isAnswered(one) &&
        one.input.op === 'txn' &&
        one.input.compares.length > 0 &&
        'succeeded' in one.outcome.output &&
        !one.outcome.output.succeeded,
    );
    if (at < 0) return null;
    return history.map((one, i) =>
      i === at
        ? withOutput(one, ({ revision }) => ({ revision: revision + 1, succeeded: true, responses: [{}] }))
        : one,
    );
  },
};

describe('a history of a correct store', () => {
  it.each(seeds)('is linearizable (seed %i)', (seed) => {
    const { operations } = simulatedHistory({ seed, operations: 400, processes: 8 });
    expect(check(operations).kind).toBe('linearizable');
  });

  it.each(seeds)('is linearizable with lost answers (seed %i)', (seed) => {
    const { operations } = simulatedHistory({ seed, operations: 120, processes: 6, unknownShare: 0.08 });
    expect(check(operations).kind).toBe('linearizable');
  });

  it('is judged in time that grows with its length, not with its orders', () => {
    const { operations } = simulatedHistory({ seed: 7, operations: 20_000, processes: 16 });
    const verdict = checkLinearizability(model, operations, { now, configurationsMax: 100_000 });
    expect(verdict.kind).toBe('linearizable');
  });

  for (const [name, mutate] of Object.entries(mutations))
    it(`is not linearizable any more with ${name}`, () => {
      let broken = 0;
      for (const seed of seeds) {
        const { operations } = simulatedHistory({ seed, operations: 300, processes: 5 });
        const mutant = mutate(operations, seeded(seed));
        if (mutant === null) continue;
        broken += 1;
        expect(check(mutant).kind, `seed ${seed}`).toBe('not-linearizable');
      }
      expect(broken).toBeGreaterThan(10);
    });
});

describe('the checker and the definition', () => {
  it.each(seeds)('agree on small histories of the store, whole and broken (seed %i)', (seed) => {
    const random = seeded(seed);
    for (let round = 0; round < 20; round += 1) {
      const { operations } = simulatedHistory({
        seed: seed * 1_000 + round,
        operations: 6,
        processes: 3,
        keys: 2,
        unknownShare: 0.2,
      });
      const [a, b] = [Math.floor(random() * 6), Math.floor(random() * 6)];
      const mutant = swapOutputs(operations, a, b);
      for (const history of [operations, mutant])
        expect(check(history).kind === 'linearizable').toBe(bruteForce(model, history));
    }
  });
});

function swapOutputs(history: readonly KvOperation[], a: number, b: number): readonly KvOperation[] {
  const [one, two] = [history[a]!, history[b]!];
  if (!isAnswered(one) || !isAnswered(two) || one.input.op !== two.input.op) return history;
  const [ofOne, ofTwo] = [one.outcome.output, two.outcome.output];
  return history.map((each, i) => {
    if (i === a) return withOutput(each, () => ofTwo);
    return i === b ? withOutput(each, () => ofOne) : each;
  });
}

describe('what no client was told', () => {
  const put = (revision: number, value: string, startMs: number): KvOperation => ({
    process: 1,
    startMs,
    input: { op: 'put', key: 'k', value, lease: '7' },
    outcome: { kind: 'ok', endMs: startMs + 1, output: { revision } },
  });
  const expired: KvInput = {
    op: 'effect',
    revision: 3,
    events: [
      {
        type: 'DELETE',
        kv: { key: 'k', value: '', createRevision: 0, modRevision: 3, version: 0, lease: '0' },
      },
    ],
  };
  const effect = (endMs: number): KvOperation => ({
    process: -1,
    startMs: 1,
    input: expired,
    outcome: { kind: 'ok', endMs, output: { revision: 3 } },
  });
  const read = (startMs: number, revision: number): KvOperation => ({
    process: 2,
    startMs,
    input: { op: 'range', key: 'k' },
    outcome: { kind: 'ok', endMs: startMs + 1, output: { revision, kvs: [], count: 0 } },
  });

  it('fills the revision that it took', () => {
    expect(check([put(2, 'a', 0), put(4, 'b', 9)]).kind).toBe('not-linearizable');
    expect(check([put(2, 'a', 0), effect(20), put(4, 'b', 9)]).kind).toBe('linearizable');
  });

  it('must have happened before somebody saw it', () => {
    expect(check([put(2, 'a', 0), effect(20), read(5, 3)]).kind).toBe('linearizable');
    const stale: KvOperation = {
      ...put(2, 'a', 0),
      startMs: 30,
      input: { op: 'put', key: 'other', value: 'x' },
      outcome: { kind: 'ok', endMs: 31, output: { revision: 3 } },
    };
    expect(check([put(2, 'a', 0), effect(20), stale]).kind).toBe('not-linearizable');
  });

  it('is done when a revocation is answered', () => {
    const revoke: KvOperation = {
      process: 3,
      startMs: 2,
      input: { op: 'revoke', lease: '7' },
      outcome: { kind: 'ok', endMs: 6, output: { revision: 3 } },
    };
    expect(check([put(2, 'a', 0), revoke, effect(20), put(4, 'b', 9)]).kind).toBe('linearizable');
    const after: KvOperation = {
      process: 4,
      startMs: 8,
      input: { op: 'range', key: 'k' },
      outcome: {
        kind: 'ok',
        endMs: 9,
        output: {
          revision: 2,
          count: 1,
          kvs: [{ key: 'k', value: 'a', createRevision: 2, modRevision: 2, version: 1, lease: '7' }],
        },
      },
    };
    expect(check([put(2, 'a', 0), revoke, after, effect(20)]).kind).toBe('not-linearizable');
  });
});
