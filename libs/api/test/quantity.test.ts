import { describe, expect, test } from 'vitest';
import {
  addQuantities,
  compareQuantities,
  formatQuantity,
  InvalidQuantity,
  parseBytes,
  parseCpuMillis,
  parseQuantity,
  quantityOf,
  subtractQuantities,
} from '../src/index.js';

const canonical = (value: string | number): string => formatQuantity(quantityOf(value));

describe('the canonical form', () => {
  test.each([
    ['0', '0'],
    ['0Gi', '0'],
    ['-0', '0'],
    ['+3', '3'],
    ['.5', '500m'],
    ['5.', '5'],
    ['0.5', '500m'],
    [0.1, '100m'],
    [2, '2'],
    ['1500m', '1500m'],
    ['1000m', '1'],
    ['1000k', '1M'],
    ['1e3', '1e3'],
    ['1E3', '1e3'],
    ['12e5', '1200e3'],
    ['1e-3', '1e-3'],
    ['1E', '1E'],
    ['1024', '1024'],
    ['1024Ki', '1Mi'],
    ['1024Mi', '1Gi'],
    ['1.5Gi', '1536Mi'],
    ['1023Ki', '1023Ki'],
    ['0.5Ki', '512'],
    ['1.1Ki', '1127'],
    ['-1.5Gi', '-1536Mi'],
  ])('%s is %s', (written, printed) => {
    expect(canonical(written)).toBe(printed);
  });

  test('finer than a billionth rounds away from zero', () => {
    expect(canonical('0.0000000001')).toBe('1n');
    expect(canonical('-0.0000000001')).toBe('-1n');
    expect(canonical('1e-40')).toBe('1e-9');
  });

  test('more than 2^63-1 is that', () => {
    expect(canonical('9'.repeat(30))).toBe('9223372036854775807');
    expect(canonical('1e99999999')).toBe(canonical('1e40'));
  });
});

describe('what is refused', () => {
  const regex = /quantities must match the regular expression/;
  test.each([
    ['', regex],
    ['.', regex],
    ['abc', regex],
    ['1 Gi', regex],
    ['1.2.3', regex],
    ['--1', regex],
    ['9'.repeat(65), regex],
    ['1ki', /suffix/],
    ['1KI', /suffix/],
    ['1m5', /suffix/],
    ['1e', /suffix/],
    ['1e+', /suffix/],
    [Number.NaN, regex],
    [Number.POSITIVE_INFINITY, regex],
  ])('%s', (written, message) => {
    const parsed = parseQuantity(written);
    expect(parsed).toBeInstanceOf(InvalidQuantity);
    expect((parsed as InvalidQuantity).message).toMatch(message);
    expect(() => quantityOf(written)).toThrow(InvalidQuantity);
  });
});

/** Numbers that repeat: mulberry32. */
const generator = (seed: number) => () => {
  seed = (seed + 0x6d2b_79f5) | 0;
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
};

test('printing loses nothing, and printing what was printed changes nothing', () => {
  const random = generator(7);
  const suffixes = ['', 'n', 'u', 'm', 'k', 'M', 'G', 'Ki', 'Mi', 'Gi', 'e3', 'e-6'];
  for (let round = 0; round < 2000; round += 1) {
    const suffix = suffixes[Math.floor(random() * suffixes.length)] ?? '';
    const whole = Math.floor(random() * 10_000);
    const written = `${random() < 0.5 ? '-' : ''}${whole}${suffix}`;
    const once = canonical(written);
    expect(canonical(once)).toBe(once);
    // Bytes are only printed whole.
    expect(compareQuantities(quantityOf(once), quantityOf(written))).toBe(0);
  }
});

test('comparison is by amount, not by how it is written', () => {
  expect(compareQuantities(quantityOf('1'), quantityOf('1000m'))).toBe(0);
  expect(compareQuantities(quantityOf('1Gi'), quantityOf('1G'))).toBe(1);
  expect(compareQuantities(quantityOf('-1'), quantityOf('0'))).toBe(-1);
});

test('sums keep the format of what is added to, unless that is nothing', () => {
  expect(formatQuantity(addQuantities(quantityOf('1Gi'), quantityOf('1Gi')))).toBe('2Gi');
  expect(formatQuantity(addQuantities(quantityOf('0'), quantityOf('2048Mi')))).toBe('2Gi');
  expect(formatQuantity(subtractQuantities(quantityOf('1'), quantityOf('1500m')))).toBe('-500m');
});

test('cores and bytes as numbers, rounded up', () => {
  expect(parseCpuMillis('0.5')).toBe(500);
  expect(parseCpuMillis('100u')).toBe(1);
  expect(parseCpuMillis(2)).toBe(2000);
  expect(parseBytes('1.5Gi')).toBe(1_610_612_736);
  expect(parseBytes('100m')).toBe(1);
  expect(() => parseBytes('lots')).toThrow(InvalidQuantity);
});
