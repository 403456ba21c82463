import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Coverage, interval, type Interval } from '../../src/auth/ranges.js';

/** Every key of up to three letters out of four, with what comes right after each: all that the intervals below can tell apart. */
const letters = ['\0', 'a', 'b', '\xff'];
const words = ['', ...letters, ...letters.flatMap((a) => letters.map((b) => a + b))];
const universe = [...new Set([...words, ...words.flatMap((word) => letters.map((letter) => word + letter))])]
  .filter((key) => key !== '')
  .sort();

const isIn = (key: string, { start, end }: Interval): boolean => key >= start && (end === null || key < end);

const word = fc.constantFrom(...words.filter((each) => each !== ''));
const given = fc
  .tuple(word, fc.oneof(word, fc.constant(''), fc.constant('\0')))
  .map(([key, rangeEnd]) => interval(key, rangeEnd));

describe('coverage', () => {
  it('is what one finds by asking for every key', () => {
    fc.assert(
      fc.property(fc.array(given, { maxLength: 8 }), given, (intervals, wanted) => {
        const keys = universe.filter((key) => isIn(key, wanted));
        fc.pre(keys.length > 0);
        const isCovered =
          keys.every((key) => intervals.some((each) => isIn(key, each))) &&
          // Above every key of the universe there are more.
          (wanted.end !== null ||
            intervals.some(({ start, end }) => end === null && start <= '\xff\xff\xff'));
        expect(new Coverage(intervals).covers(wanted)).toBe(isCovered);
      }),
      { numRuns: 5_000 },
    );
  });

  it.each([
    ['a single key is no range', [interval('a', '')], interval('a', 'a\0\0'), false],
    ['neighbours make one range', [interval('a', 'b'), interval('b', 'c')], interval('a', 'c'), true],
    [
      'a key fills a gap',
      [interval('a', 'b'), interval('b', ''), interval('b\0', 'c')],
      interval('a', 'c'),
      true,
    ],
    ['a gap of one key counts', [interval('a', 'b'), interval('b\0', 'c')], interval('a', 'c'), false],
    ['from a key on', [interval('b', '\0')], interval('c', '\0'), true],
    ['a bounded range is not open', [interval('b', '\xff\xff')], interval('c', '\0'), false],
    ['an empty range counts as its start', [interval('b', 'd')], interval('c', 'a'), true],
    ['nothing covers nothing', [], interval('c', 'a'), false],
  ])('%s', (_, intervals, wanted, isCovered) => {
    expect(new Coverage(intervals).covers(wanted)).toBe(isCovered);
  });
});
