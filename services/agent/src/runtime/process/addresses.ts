import { isIPv4 } from 'node:net';
import { RuntimeError } from '../runtime.js';

/**
 * The addresses of one IPv4 block, given out one a pod. The first is the node's and the last the broadcast's, as in any
 * pod network. The next free one after the last given is taken, so that an address rests before it comes back.
 */
export class AddressPool {
  readonly cidr: string;
  readonly #first: number;
  readonly #last: number;
  readonly #taken = new Set<number>();
  #next: number;

  constructor(cidr: string) {
    const { base, size } = parseCidr(cidr);
    this.cidr = cidr;
    this.#first = base + 2;
    this.#last = base + size - 2;
    this.#next = this.#first;
  }

  /** Rejects FailedPrecondition when all are in use. */
  allocate(): string {
    const count = this.#last - this.#first + 1;
    for (let tried = 0; tried < count; tried += 1) {
      const address = this.#next;
      this.#next = address === this.#last ? this.#first : address + 1;
      if (this.#taken.has(address)) continue;
      this.#taken.add(address);
      return formatAddress(address);
    }
    throw new RuntimeError('FailedPrecondition', `no address is left in ${this.cidr}`);
  }

  release(address: string): void {
    this.#taken.delete(parseAddress(address));
  }
}

function parseCidr(cidr: string): { readonly base: number; readonly size: number } {
  const [address = '', bits = ''] = cidr.split('/');
  const prefix = Number(bits);
  if (!isIPv4(address) || !/^\d+$/.test(bits) || prefix < 8 || prefix > 29)
    throw new RuntimeError('InvalidArgument', `podCIDR ${cidr}: expected an IPv4 block from /8 to /29`);
  const size = 2 ** (32 - prefix);
  return { base: Math.floor(parseAddress(address) / size) * size, size };
}

const parseAddress = (address: string): number =>
  address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);

const formatAddress = (address: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
