const suffixes: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** A quantity in its base unit (cores, bytes) as a float; the API has checked its form, NaN is for what slipped through. */
export function quantityValue(quantity: string | number | undefined): number {
  if (quantity === undefined) return 0;
  if (typeof quantity === 'number') return quantity;
  const match = /^([+-]?[\d.]+)(?:([eE][+-]?\d+)|([A-Za-z]*))$/.exec(quantity);
  if (match === null) return Number.NaN;
  const [, digits, exponent = '', suffix = ''] = match;
  return Number(`${digits}${exponent}`) * (suffixes[suffix] ?? Number.NaN);
}

/** Rounded up, as Kubernetes rounds. */
export const milliCores = (quantity: string | number | undefined): number =>
  Math.ceil(quantityValue(quantity) * 1_000 - 1e-9);

export const wholeUnits = (quantity: string | number | undefined): number =>
  Math.ceil(quantityValue(quantity) - 1e-9);
