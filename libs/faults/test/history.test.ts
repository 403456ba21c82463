import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HistoryError, parseHistory, Recorder, type HistoryEvent } from '@raftsman/faults';

function recorder() {
  let nowMs = 0;
  const lines: string[] = [];
  const record = new Recorder<string, number>(
    () => ++nowMs,
    (event: HistoryEvent<string, number>) => lines.push(JSON.stringify(event)),
  );
  return { record, text: () => lines.join('\n') };
}

describe('a recorded history', () => {
  it('reads back as it was recorded, the open end as unknown', () => {
    const { record, text } = recorder();
    const first = record.invoke(1, 'a');
    const second = record.invoke(2, 'b');
    second.ok(7);
    const third = record.invoke(2, 'c');
    first.unknown('timeout');
    third.fail('refused');
    record.invoke(3, 'd');
    const kinds = parseHistory<string, number>(text()).map(({ input, outcome }) => [input, outcome.kind]);
    expect(kinds).toEqual([
      ['a', 'unknown'],
      ['b', 'ok'],
      ['c', 'fail'],
      ['d', 'unknown'],
    ]);
    const { outcome: open, ...rest } = parseHistory<string, number>(text())[3]!;
    const taken = record.take();
    expect(parseHistory(text()).slice(0, 3)).toEqual(taken.slice(0, 3));
    expect({ ...rest, outcome: open.kind }).toEqual({ ...taken[3]!, outcome: 'unknown' });
    expect(record.take()).toEqual([]);
  });

  it('takes one completion of each operation', () => {
    const call = recorder().record.invoke(1, 'a');
    call.ok(1);
    expect(() => call.unknown('late')).toThrow('completed twice');
  });

  it.each([
    ['no JSON', '{"id":', /line 1: /],
    ['no object', '3', /not an object/],
    ['no number', '{"id":"1","process":1,"atMs":1,"kind":"invoke","input":1}', /must be numbers/],
    ['another kind', '{"id":1,"process":1,"atMs":1,"kind":"began"}', /kind must be/],
    ['an answer without a call', '{"id":1,"process":1,"atMs":1,"kind":"ok","output":1}', /has not open/],
    [
      'two calls of one id',
      '{"id":1,"process":1,"atMs":1,"kind":"invoke","input":1}\n{"id":1,"process":1,"atMs":2,"kind":"invoke","input":1}',
      /line 2: operation 1 is invoked twice/,
    ],
    [
      "another process's answer",
      '{"id":1,"process":1,"atMs":1,"kind":"invoke","input":1}\n{"id":1,"process":2,"atMs":2,"kind":"ok","output":1}',
      /process 2 completes operation 1/,
    ],
    [
      'time that goes back',
      '{"id":1,"process":1,"atMs":5,"kind":"invoke","input":1}\n{"id":2,"process":1,"atMs":4,"kind":"invoke","input":1}',
      /line 2: time goes backwards/,
    ],
  ])('is not a file with %s', (_, text, message) => {
    expect(() => parseHistory(text)).toThrow(HistoryError);
    expect(() => parseHistory(text)).toThrow(message);
  });

  it('is refused by name, whatever the file holds', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(refusalOf(text)).toSatisfy((error) => error === null || error instanceof HistoryError);
      }),
    );
  });
});

function refusalOf(text: string): unknown {
  try {
    parseHistory(text);
    return null;
  } catch (error) {
    return error;
  }
}
