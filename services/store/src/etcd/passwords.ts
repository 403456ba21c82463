import { randomBytes, scrypt, timingSafeEqual, type ScryptOptions } from 'node:crypto';
import { etcdError } from './errors.js';
import { etcdLimits } from './limits.js';

/** Of scrypt (RFC 7914): 16 MiB of memory, and as much time as the bcrypt of etcd's default cost; a Raspberry Pi has to do it, too. */
const cost = { logN: 14, r: 8, p: 1 } as const;
const saltBytes = 16;
const keyBytes = 32;

interface Stored {
  readonly options: ScryptOptions;
  readonly salt: Buffer;
  readonly key: Buffer;
}

/**
 * Passwords as they are stored, `scrypt$14$8$1$<salt>$<key>` in base64: an older one stays right when the cost is raised. It is work for
 * one thread of the pool at a time: the journal needs the others. Who must wait too long is refused.
 */
export class Passwords {
  /** What a password is compared with when there is none, so that it takes as long. */
  readonly #decoy = { salt: randomBytes(saltBytes), key: randomBytes(keyBytes) };
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  readonly #waitingByAddress = new Map<string, number>();

  /** `address`: whose request it is, host:port. Rejects with EtcdError. */
  async hash(password: string, address: string): Promise<string> {
    const { logN, r, p } = cost;
    const salt = randomBytes(saltBytes);
    const key = await this.#inTurn(address, () => derive(password, salt, options(logN, r, p)));
    return ['scrypt', logN, r, p, salt.toString('base64'), key.toString('base64')].join('$');
  }

  /** `stored` null: no password matches. Rejects with EtcdError. */
  async matches(password: string, stored: string | null, address: string): Promise<boolean> {
    const parsed = stored === null ? null : parse(stored);
    const { salt, key } = parsed ?? this.#decoy;
    const wanted = parsed?.options ?? options(cost.logN, cost.r, cost.p);
    const derived = await this.#inTurn(address, () => derive(password, salt, wanted));
    return key.length === derived.length && timingSafeEqual(derived, key) && parsed !== null;
  }

  async #inTurn<T>(address: string, work: () => Promise<T>): Promise<T> {
    const host = address.slice(0, Math.max(0, address.lastIndexOf(':')));
    const ofHost = this.#waitingByAddress.get(host) ?? 0;
    const isTooMany =
      this.#waiting >= etcdLimits.passwordsWaitingMax || ofHost >= etcdLimits.passwordsWaitingPerAddressMax;
    if (isTooMany) throw etcdError('tooManyRequests');
    this.#waiting += 1;
    this.#waitingByAddress.set(host, ofHost + 1);
    try {
      const turn = this.#last.then(work);
      this.#last = turn.catch(() => undefined);
      return await turn;
    } finally {
      this.#waiting -= 1;
      const left = this.#waitingByAddress.get(host)! - 1;
      if (left === 0) this.#waitingByAddress.delete(host);
      else this.#waitingByAddress.set(host, left);
    }
  }
}

const options = (logN: number, r: number, p: number): ScryptOptions => {
  const N = 2 ** logN;
  return { N, r, p, maxmem: 256 * N * r };
};

/** null: it is not what `hash` made, here or in a version that made it costlier. A restored snapshot may hold anything. */
function parse(stored: string): Stored | null {
  const form = /^scrypt\$(1[0-8])\$(8|16)\$(\d)\$([A-Za-z0-9+/=]{24})\$([A-Za-z0-9+/=]{44})$/.exec(stored);
  if (form === null) return null;
  const [, logN, r, p, salt = '', key = ''] = form;
  return {
    options: options(Number(logN), Number(r), Math.max(1, Number(p))),
    salt: Buffer.from(salt, 'base64'),
    key: Buffer.from(key, 'base64'),
  };
}

function derive(password: string, salt: Buffer, chosen: ScryptOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, keyBytes, chosen, (error, key) => {
      if (error) reject(error);
      else resolve(key);
    });
  });
}
