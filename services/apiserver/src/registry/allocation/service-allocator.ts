import { limits } from '../../limits.js';
import { ipInRange, ipText, parseIp, staticBand, type IpRange } from './ip-range.js';

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** Why an address or a port that was asked for is not to be had. */
export type Refusal =
  { readonly kind: 'malformed' } | { readonly kind: 'out-of-range'; readonly valid: string };

/**
 * Chooses cluster addresses and node ports. A claim is a key of the store that is written together with its Service
 * if it is absent, so that no two apiservers can give away the same; here are only its name and a guess at what is free.
 */
export interface ServiceAllocator {
  readonly ipRange: IpRange;
  readonly ipClaim: (ip: string) => string;
  readonly portClaim: (port: number) => string;
  /** null: the address may be asked for. */
  readonly checkIp: (ip: string) => Refusal | null;
  readonly checkPort: (port: number) => Refusal | null;
  /** An address whose claim is free for all we know; null: none is left. */
  readonly chooseIp: (taken: ReadonlySet<string>) => Promise<string | null>;
  readonly choosePort: (taken: ReadonlySet<string>) => Promise<number | null>;
}

export function createServiceAllocator(options: {
  readonly keyPrefix: string;
  readonly ipRange: IpRange;
  readonly portRange: PortRange;
  /** The keys in use below a prefix. */
  readonly keys: (prefix: string) => Promise<readonly string[]>;
  readonly random: (max: number) => number;
}): ServiceAllocator {
  const { ipRange, portRange, keyPrefix } = options;
  const ipPrefix = `${keyPrefix}/ranges/serviceips/`;
  const portPrefix = `${keyPrefix}/ranges/servicenodeports/`;
  const ipClaim = (ip: string): string => ipPrefix + ip;
  const portClaim = (port: number): string => `${portPrefix}${port}`;
  const choose = (prefix: string, bands: readonly Band[], claimAt: (offset: number) => string) => {
    return async (taken: ReadonlySet<string>): Promise<number | null> => {
      const used = new Set([...taken, ...(await options.keys(prefix))]);
      return chooseFree(bands, (offset) => used.has(claimAt(offset)), options.random);
    };
  };
  const band = staticBand(ipRange);
  const ipBands: readonly Band[] = [
    { first: band, last: ipRange.size - 2 },
    { first: 2, last: band - 1 },
  ];
  const chooseIp = choose(ipPrefix, ipBands, (offset) => ipClaim(ipText(ipRange.base + offset)));
  const choosePort = choose(portPrefix, [portRange], portClaim);
  return {
    ipRange,
    ipClaim,
    portClaim,
    checkIp: (ip) => {
      const address = parseIp(ip);
      if (address === null) return { kind: 'malformed' };
      return ipInRange(ipRange, address) ? null : { kind: 'out-of-range', valid: ipRange.cidr };
    },
    checkPort: (port) =>
      port >= portRange.first && port <= portRange.last
        ? null
        : { kind: 'out-of-range', valid: `${portRange.first}-${portRange.last}` },
    chooseIp: async (taken) => {
      const offset = await chooseIp(taken);
      return offset === null ? null : ipText(ipRange.base + offset);
    },
    choosePort,
  };
}

/** Both ends included. */
interface Band {
  readonly first: number;
  readonly last: number;
}

/** At random, so that apiservers seldom choose the same; then the first that is free, band by band. Exported for tests. */
export function chooseFree(
  bands: readonly Band[],
  used: (value: number) => boolean,
  random: (max: number) => number,
): number | null {
  const [preferred] = bands;
  for (let attempt = 0; attempt < limits.allocationAttempts && preferred !== undefined; attempt += 1) {
    const value = preferred.first + random(preferred.last - preferred.first + 1);
    if (!used(value)) return value;
  }
  for (const { first, last } of bands) {
    for (let value = first; value <= last; value += 1) if (!used(value)) return value;
  }
  return null;
}
