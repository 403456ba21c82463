import { expect, test } from 'vitest';
import { ageOf, humanDuration } from '../src/index.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

test.each([
  [-2 * SECOND, '<invalid>'],
  [-1999, '0s'],
  [-1 * SECOND, '0s'],
  [0, '0s'],
  [119 * SECOND + 999, '119s'],
  [2 * MINUTE, '2m'],
  [2 * MINUTE + 3 * SECOND, '2m3s'],
  [9 * MINUTE + 59 * SECOND, '9m59s'],
  [10 * MINUTE + 30 * SECOND, '10m'],
  [179 * MINUTE, '179m'],
  [3 * HOUR, '3h'],
  [3 * HOUR + 5 * MINUTE, '3h5m'],
  [8 * HOUR + 5 * MINUTE, '8h'],
  [47 * HOUR, '47h'],
  [2 * DAY, '2d'],
  [2 * DAY + 5 * HOUR, '2d5h'],
  [8 * DAY + 5 * HOUR, '8d'],
  [729 * DAY, '729d'],
  [730 * DAY, '2y'],
  [740 * DAY, '2y10d'],
  [8 * 365 * DAY + 3 * DAY, '8y'],
])('%d ms is %s', (durationMs, text) => {
  expect(humanDuration(durationMs)).toBe(text);
});

test('an age is counted from a timestamp', () => {
  const now = Date.parse('2026-01-02T00:00:00Z');
  expect(ageOf('2026-01-01T00:00:00Z', now)).toBe('24h');
  expect(ageOf(undefined, now)).toBe('<unknown>');
  expect(ageOf('yesterday', now)).toBe('<unknown>');
});
