import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  checkLinearizability,
  registerModel,
  type Operation,
  type RegisterInput,
  type RegisterOutput,
} from '@raftsman/faults';
import { bruteForce } from './brute-force.js';

type RegisterOperation = Operation<RegisterInput, RegisterOutput>;

const now = (): number => performance.now();
const kindOf = (operations: readonly RegisterOperation[]): string =>
  checkLinearizability(registerModel, operations, { now }).kind;

const ok = (
  process: number,
  startMs: number,
  endMs: number,
  input: RegisterInput,
  output: RegisterOutput,
): RegisterOperation => ({ process, startMs, input, outcome: { kind: 'ok', endMs, output } });
const lost = (process: number, startMs: number, input: RegisterInput): RegisterOperation => ({
  process,
  startMs,
  input,
  outcome: { kind: 'unknown', error: 'timeout' },
});

const put = (key: string, value: string): RegisterInput => ({ op: 'put', key, value });
const get = (key: string): RegisterInput => ({ op: 'get', key });
const wrote = (revision: number): RegisterOutput => ({ op: 'put', revision });
const found = (value: string, modRevision: number): RegisterOutput => ({
  op: 'get',
  found: { value, modRevision },
});
const nothing: RegisterOutput = { op: 'get', found: null };

describe('a history of registers', () => {
  it('is linearizable in the order of its moments, not of its starts', () => {
    expect(
      kindOf([
        ok(1, 0, 10, put('a', '1'), wrote(3)),
        ok(2, 1, 9, put('a', '2'), wrote(2)),
        ok(3, 2, 3, get('a'), nothing),
        ok(3, 4, 5, get('a'), found('2', 2)),
        ok(3, 6, 7, get('a'), found('1', 3)),
      ]),
    ).toBe('linearizable');
  });

  it('is not with a read of what was overwritten before the read began', () => {
    expect(
      kindOf([
        ok(1, 0, 1, put('a', '1'), wrote(2)),
        ok(1, 2, 3, put('a', '2'), wrote(3)),
        ok(2, 4, 5, get('a'), found('1', 2)),
      ]),
    ).toBe('not-linearizable');
  });

  it('is not with a write that was lost', () => {
    expect(kindOf([ok(1, 0, 1, put('a', '1'), wrote(2)), ok(2, 2, 3, get('a'), nothing)])).toBe(
      'not-linearizable',
    );
  });

  it('is not with two readers that see two writes in two orders', () => {
    const writes = [ok(1, 0, 20, put('a', '1'), wrote(2)), ok(2, 0, 20, put('a', '2'), wrote(3))];
    const reader = (process: number, first: RegisterOutput, second: RegisterOutput) => [
      ok(process, 1, 2, get('a'), first),
      ok(process, 3, 4, get('a'), second),
    ];
    const [one, two] = [found('1', 2), found('2', 3)];
    expect(kindOf([...writes, ...reader(3, one, two), ...reader(4, one, two)])).toBe('linearizable');
    expect(kindOf([...writes, ...reader(3, one, two), ...reader(4, two, one)])).toBe('not-linearizable');
  });

  it('lets a lost write take effect late, or never, but not before it was asked for, nor be undone', () => {
    const write = lost(1, 5, put('a', '1'));
    const first = ok(2, 0, 1, put('a', '0'), wrote(2));
    expect(kindOf([first, write, ok(2, 90, 91, get('a'), found('0', 2))])).toBe('linearizable');
    expect(
      kindOf([first, write, ok(2, 80, 81, get('a'), found('0', 2)), ok(2, 90, 91, get('a'), found('1', 7))]),
    ).toBe('linearizable');
    expect(kindOf([first, write, ok(2, 2, 3, get('a'), found('1', 7))])).toBe('not-linearizable');
    expect(
      kindOf([first, write, ok(2, 80, 81, get('a'), found('1', 7)), ok(2, 90, 91, get('a'), found('0', 2))]),
    ).toBe('not-linearizable');
  });

  it('knows a lost compare-and-swap only by its effects', () => {
    const cas: RegisterInput = { op: 'cas', key: 'a', modRevision: 2, value: '1' };
    const first = ok(2, 0, 1, put('a', '0'), wrote(2));
    const other = ok(2, 6, 7, put('a', '2'), wrote(9));
    expect(kindOf([first, lost(1, 5, cas), ok(2, 8, 9, get('a'), found('1', 3))])).toBe('linearizable');
    // Between the two puts it may have been; after the second its condition is false.
    expect(kindOf([first, lost(1, 8, cas), other, ok(2, 9, 10, get('a'), found('1', 10))])).toBe(
      'not-linearizable',
    );
  });

  it('may hold a failed write, which did not happen', () => {
    const failed: RegisterOperation = {
      process: 1,
      startMs: 0,
      input: put('a', '1'),
      outcome: { kind: 'fail', endMs: 1, error: 'refused' },
    };
    expect(kindOf([failed, ok(1, 2, 3, get('a'), nothing)])).toBe('linearizable');
    expect(kindOf([failed, ok(1, 2, 3, get('a'), found('1', 2))])).toBe('not-linearizable');
  });

  it('names the part that is wrong and where it is stuck', () => {
    const wrong = ok(2, 2, 3, get('b'), nothing);
    const verdict = checkLinearizability(
      registerModel,
      [ok(1, 0, 1, put('a', '1'), wrote(2)), ok(1, 0, 1, put('b', '1'), wrote(3)), wrong],
      { now },
    );
    expect(verdict).toMatchObject({ kind: 'not-linearizable', part: 'b', stuck: [wrong] });
  });

  it('is never called linearizable by a checker that ran out of time or memory', () => {
    // Many lost writes, and a read of a value that none wrote: all their orders are tried.
    const writes = Array.from({ length: 14 }, (_, i) => lost(i, 0, put('a', String(i))));
    const history = [...writes, ok(99, 5, 6, get('a'), found('no such value', 2))];
    expect(checkLinearizability(registerModel, history, { now, configurationsMax: 1_000 })).toMatchObject({
      kind: 'unknown',
      reason: 'memory',
    });
    let clockMs = 0;
    expect(
      checkLinearizability(registerModel, history, { now: () => (clockMs += 10), timeMsMax: 50 }),
    ).toMatchObject({ kind: 'unknown', reason: 'time' });
  });
});

describe('the checker and the definition', () => {
  const value = fc.constantFrom('1', '2');
  const key = fc.constant('a');
  const modRevision = fc.integer({ min: 0, max: 3 });
  const revision = fc.integer({ min: 1, max: 4 });
  const call = fc.oneof(
    fc.record({
      input: fc.record({ op: fc.constant('put' as const), key, value }),
      output: fc.record({ op: fc.constant('put' as const), revision }),
    }),
    fc.record({
      input: fc.record({ op: fc.constant('delete' as const), key }),
      output: fc.record({ op: fc.constant('delete' as const), revision, deleted: fc.constantFrom(0, 1) }),
    }),
    fc.record({
      input: fc.record({ op: fc.constant('cas' as const), key, modRevision, value }),
      output: fc.record({ op: fc.constant('cas' as const), revision, succeeded: fc.boolean() }),
    }),
    fc.record({
      input: fc.record({ op: fc.constant('get' as const), key }),
      output: fc.record({
        op: fc.constant('get' as const),
        found: fc.option(fc.record({ value, modRevision: revision })),
      }),
    }),
  );
  const operation = fc
    .record({
      call,
      startMs: fc.integer({ min: 0, max: 8 }),
      lengthMs: fc.integer({ min: 0, max: 6 }),
      isLost: fc.boolean(),
    })
    .map(({ call: { input, output }, startMs, lengthMs, isLost }): RegisterOperation => ({
      process: 0,
      startMs,
      input,
      outcome: isLost
        ? { kind: 'unknown', error: 'lost' }
        : { kind: 'ok', endMs: startMs + lengthMs, output },
    }));

  it('agree on every small history', () => {
    const verdicts = new Map<boolean, number>();
    fc.assert(
      fc.property(fc.array(operation, { minLength: 1, maxLength: 6 }), (history) => {
        const expected = bruteForce(registerModel, history);
        verdicts.set(expected, (verdicts.get(expected) ?? 0) + 1);
        expect(kindOf(history)).toBe(expected ? 'linearizable' : 'not-linearizable');
      }),
      { numRuns: 3_000 },
    );
    // Both verdicts occur, or the comparison would say nothing.
    expect(verdicts.get(true)).toBeGreaterThan(100);
    expect(verdicts.get(false)).toBeGreaterThan(100);
  });
});
