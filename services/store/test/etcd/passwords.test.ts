import { describe, expect, it } from 'vitest';
import { etcdLimits } from '../../src/etcd/limits.js';
import { Passwords } from '../../src/etcd/passwords.js';

const address = '192.0.2.1:1234';

describe('passwords', () => {
  it('are stored salted, and match themselves alone', async () => {
    const passwords = new Passwords();
    const [one, other] = await Promise.all([passwords.hash('pw', address), passwords.hash('pw', address)]);
    expect(one).toMatch(/^scrypt\$14\$8\$1\$/);
    expect(one).not.toBe(other);
    expect(await passwords.matches('pw', one, address)).toBe(true);
    expect(await passwords.matches('pw', other, address)).toBe(true);
    expect(await passwords.matches('Pw', one, address)).toBe(false);
    expect(await passwords.matches('', one, address)).toBe(false);
    expect(await passwords.matches('ü', await passwords.hash('ü', address), address)).toBe(true);
  });

  it.each([
    null,
    '',
    '$2a$10$abcdefghijklmnopqrstuuGq0c1Yx0Zk7x5m0Q9mFv6q1m2n3o4p5',
    'scrypt$30$8$5$AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=',
    'scrypt$14$8$5$$',
    'scrypt$14$8$5$AAAAAAAAAAAAAAAAAAAAAA==$====AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  ])('stored as %j match nothing', async (stored) => {
    const passwords = new Passwords();
    for (const password of ['', 'pw']) expect(await passwords.matches(password, stored, address)).toBe(false);
  });

  it('take as long for a user that does not exist', async () => {
    const passwords = new Passwords();
    const stored = await passwords.hash('pw', address);
    const costMs = async (of: string | null): Promise<number> => {
      const before = process.cpuUsage();
      await passwords.matches('guess', of, address);
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1_000;
    };
    // The least of a few: collected garbage is in the others.
    const leastMs = async (of: string | null): Promise<number> =>
      Math.min(await costMs(of), await costMs(of), await costMs(of));
    const [known, unknown] = [await leastMs(stored), await leastMs(null)];
    // Without the hashing it were a thousandth.
    expect(unknown).toBeGreaterThan(known / 5);
    expect(unknown).toBeLessThan(known * 5);
  });

  it('wait in a bounded queue, in which no address takes every place', async () => {
    const passwords = new Passwords();
    const ask = (host: string, times: number): Promise<string>[] =>
      Array.from({ length: times }, (_, port) =>
        passwords.hash('pw', `${host}:${port}`).then(
          () => 'done',
          ({ details }: { details: string }) => details,
        ),
      );
    const hostile = ask('[2001:db8::1]', 30);
    const polite = ask('192.0.2.2', 1);
    const [refused, served] = [await Promise.all(hostile), await Promise.all(polite)];
    expect(served).toEqual(['done']);
    expect(refused.filter((answer) => answer === 'done')).toHaveLength(
      etcdLimits.passwordsWaitingPerAddressMax,
    );
    expect(new Set(refused)).toEqual(new Set(['done', 'etcdserver: too many requests']));
    expect(await passwords.matches('pw', null, '[2001:db8::1]:1')).toBe(false);
  });
});
