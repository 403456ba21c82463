/** An IPv4 range, as --service-cluster-ip-range names it. */
export interface IpRange {
  readonly cidr: string;
  /** The network's address as a number. */
  readonly base: number;
  /** How many addresses, network and broadcast included. */
  readonly size: number;
}

export const parseIp = (text: string): number | null => {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256))
    return null;
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0);
};

export const ipText = (address: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');

/** null unless it is an IPv4 network between /8 and /30. */
export function parseIpRange(cidr: string): IpRange | null {
  const match = /^([\d.]+)\/(\d{1,2})$/.exec(cidr);
  const base = match === null ? null : parseIp(match[1]!);
  const bits = Number(match?.[2]);
  if (base === null || bits < 8 || bits > 30) return null;
  const size = 2 ** (32 - bits);
  return base % size === 0 ? { cidr, base, size } : null;
}

export const ipInRange = (range: IpRange, address: number): boolean =>
  address > range.base && address < range.base + range.size - 1;

/** The address of the `kubernetes` Service: the range's first. */
export const firstIp = (range: IpRange): string => ipText(range.base + 1);

/**
 * How many addresses at the start are left to those who choose one by hand, while others are free:
 * https://kubernetes.io/docs/concepts/services-networking/cluster-ip-allocation/
 */
export const staticBand = (range: IpRange): number =>
  range.size < 32 ? 1 : Math.min(Math.max(16, Math.floor(range.size / 16)), 256);
