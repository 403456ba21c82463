/** IPv4 networks as numbers. Pure. */
export interface Cidr {
  readonly base: number;
  readonly prefixLength: number;
}

/** undefined: not an IPv4 network, or it has bits set outside its prefix. */
export function parseCidr(text: string): Cidr | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text);
  if (match === null) return undefined;
  const [a, b, c, d, prefixLength] = match.slice(1).map(Number) as [number, number, number, number, number];
  if (Math.max(a, b, c, d) > 255 || prefixLength > 32) return undefined;
  const base = a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d;
  return base % 2 ** (32 - prefixLength) === 0 ? { base, prefixLength } : undefined;
}

export function formatCidr({ base, prefixLength }: Cidr): string {
  const octets = [24, 16, 8, 0].map((shift) => Math.floor(base / 2 ** shift) % 256);
  return `${octets.join('.')}/${prefixLength}`;
}

const sizeOf = (prefixLength: number): number => 2 ** (32 - prefixLength);

const overlaps = (a: Cidr, b: Cidr): boolean =>
  a.base < b.base + sizeOf(b.prefixLength) && b.base < a.base + sizeOf(a.prefixLength);

/** The first free network of the given size within `cluster`; undefined: all are taken. */
export function firstFree(cluster: Cidr, prefixLength: number, used: readonly Cidr[]): Cidr | undefined {
  const step = sizeOf(prefixLength);
  const taken = used.toSorted((a, b) => a.base - b.base);
  for (let base = cluster.base; base + step <= cluster.base + sizeOf(cluster.prefixLength);) {
    const candidate = { base, prefixLength };
    const clash = taken.find((each) => overlaps(candidate, each));
    if (clash === undefined) return candidate;
    const end = clash.base + sizeOf(clash.prefixLength);
    base += Math.max(1, Math.ceil((end - base) / step)) * step;
  }
  return undefined;
}
