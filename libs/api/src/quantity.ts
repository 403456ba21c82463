import { limits } from './limits.js';

/**
 * Amounts of a resource, exactly: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
 *
 * Kept in nanounits, the finest that Kubernetes tells apart: "100m" is 100 000 000 n. Anything finer rounds away from zero; anything
 * beyond 2^63-1 units is that.
 */
export interface Quantity {
  readonly nanos: bigint;
  /** How it was written, and is to be printed: "1Gi", "1G" or "1e9". */
  readonly format: 'BinarySI' | 'DecimalSI' | 'DecimalExponent';
}

export class InvalidQuantity extends Error {
  override readonly name = 'InvalidQuantity';
}

const NANOS_PER_UNIT = 1_000_000_000n;
const NANOS_PER_MILLI = 1_000_000n;
const NANOS_MAX = (2n ** 63n - 1n) * NANOS_PER_UNIT;
/** Beyond it a decimal exponent only says "far too much" or "next to nothing", whatever the digits before it. */
const EXPONENT_MAX = 2 * limits.quantityLengthMaxCharacters;

const decimalSuffixes: ReadonlyMap<string, number> = new Map([
  ['n', -9],
  ['u', -6],
  ['m', -3],
  ['', 0],
  ['k', 3],
  ['M', 6],
  ['G', 9],
  ['T', 12],
  ['P', 15],
  ['E', 18],
]);
const decimalSuffixOf: ReadonlyMap<number, string> = new Map(
  [...decimalSuffixes].map(([suffix, exponent]) => [exponent, suffix]),
);
const binarySuffixes = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];

const shape = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const pattern = /^([+-]?)(\d*)(?:\.(\d*))?([A-Za-z]*)([+-]?\d*)$/;

const ceilDivide = (dividend: bigint, divisor: bigint): bigint => {
  const quotient = dividend / divisor;
  return dividend % divisor === 0n ? quotient : quotient + 1n;
};

interface Scale {
  readonly format: Quantity['format'];
  /** Units per written unit: `multiplier` × 10^`exponent`. */
  readonly multiplier: bigint;
  readonly exponent: number;
}

const scaleOf = (letters: string, digits: string): Scale | undefined => {
  if (digits !== '') {
    const exponent = Number(digits);
    const clamped = Math.max(-EXPONENT_MAX, Math.min(EXPONENT_MAX, exponent));
    return /^[eE]$/.test(letters) && /\d/.test(digits)
      ? { format: 'DecimalExponent', multiplier: 1n, exponent: clamped }
      : undefined;
  }
  const binary = binarySuffixes.indexOf(letters);
  if (binary > 0) return { format: 'BinarySI', multiplier: 1024n ** BigInt(binary), exponent: 0 };
  const exponent = decimalSuffixes.get(letters);
  return exponent === undefined ? undefined : { format: 'DecimalSI', multiplier: 1n, exponent };
};

/** The magnitude of `whole`.`fraction` at `scale`, in nanounits. */
const magnitude = (whole: string, fraction: string, { multiplier, exponent }: Scale): bigint => {
  const digits = BigInt(whole + fraction) * multiplier;
  const shift = exponent - fraction.length + 9;
  const nanos = shift >= 0 ? digits * 10n ** BigInt(shift) : ceilDivide(digits, 10n ** BigInt(-shift));
  return nanos > NANOS_MAX ? NANOS_MAX : nanos;
};

/** "1.5Gi", "100m", "1e3" or a number. */
export const parseQuantity = (value: string | number): Quantity | InvalidQuantity => {
  const text = typeof value === 'number' ? String(value) : value;
  if (text.length === 0 || text.length > limits.quantityLengthMaxCharacters)
    return new InvalidQuantity(shape);
  const match = pattern.exec(text);
  if (match === null) return new InvalidQuantity(shape);
  const [, sign = '', whole = '', fraction = '', letters = '', digits = ''] = match;
  if (whole === '' && fraction === '') return new InvalidQuantity(shape);
  const scale = scaleOf(letters, digits);
  if (scale === undefined) return new InvalidQuantity("unable to parse quantity's suffix");
  const nanos = magnitude(whole, fraction, scale);
  return { nanos: sign === '-' ? -nanos : nanos, format: scale.format };
};

/** As `parseQuantity`, for values that were validated before. Throws `InvalidQuantity`. */
export const quantityOf = (value: string | number): Quantity => {
  const parsed = parseQuantity(value);
  if (parsed instanceof InvalidQuantity) throw parsed;
  return parsed;
};

const abs = (value: bigint): bigint => (value < 0n ? -value : value);

/** Whole units; what is over counts as one more, away from zero. */
const unitsOf = ({ nanos }: Quantity): bigint => {
  const units = ceilDivide(abs(nanos), NANOS_PER_UNIT);
  return nanos < 0n ? -units : units;
};

const formatBinary = (quantity: Quantity): string => {
  let mantissa = unitsOf(quantity);
  let power = 0;
  while (mantissa % 1024n === 0n && power < binarySuffixes.length - 1) {
    mantissa /= 1024n;
    power += 1;
  }
  return `${mantissa}${binarySuffixes[power]}`;
};

const formatDecimal = ({ nanos, format }: Quantity): string => {
  let mantissa = nanos;
  let exponent = -9;
  while (mantissa % 1000n === 0n && exponent < 18) {
    mantissa /= 1000n;
    exponent += 3;
  }
  if (format === 'DecimalSI') return `${mantissa}${decimalSuffixOf.get(exponent)}`;
  return exponent === 0 ? String(mantissa) : `${mantissa}e${exponent}`;
};

/** The canonical form: no fraction, the largest suffix that leaves none. Binary below 1024 is written in decimal. */
export const formatQuantity = (quantity: Quantity): string => {
  if (quantity.nanos === 0n) return '0';
  if (quantity.format !== 'BinarySI') return formatDecimal(quantity);
  return abs(quantity.nanos) < 1024n * NANOS_PER_UNIT
    ? formatDecimal({ ...quantity, format: 'DecimalSI' })
    : formatBinary(quantity);
};

/** Below, at or above zero as `a` is less than, equal to or greater than `b`. */
export const compareQuantities = (a: Quantity, b: Quantity): number =>
  a.nanos < b.nanos ? -1 : a.nanos > b.nanos ? 1 : 0;

const sum = (a: Quantity, b: Quantity, sign: bigint): Quantity => ({
  nanos: a.nanos + sign * b.nanos,
  format: a.nanos === 0n ? b.format : a.format,
});
/** In `a`'s format, unless `a` is zero. */
export const addQuantities = (a: Quantity, b: Quantity): Quantity => sum(a, b, 1n);
export const subtractQuantities = (a: Quantity, b: Quantity): Quantity => sum(a, b, -1n);

/** CPU in thousandths of a core, rounded up: "0.5" and "500m" are 500. Throws `InvalidQuantity`. */
export const parseCpuMillis = (value: string | number): number => {
  const { nanos } = quantityOf(value);
  const millis = ceilDivide(abs(nanos), NANOS_PER_MILLI);
  return Number(nanos < 0n ? -millis : millis);
};

/** Bytes (or any countable resource) as a whole number, rounded up; exact below 2^53. Throws `InvalidQuantity`. */
export const parseBytes = (value: string | number): number => Number(unitsOf(quantityOf(value)));
