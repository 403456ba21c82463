import type { Session } from './etcd-session.js';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function exists(s: Session, key: string): Promise<boolean> {
  const answer = (await s.ask('KV', 'range', { key: bytes(key) })) as { kvs: unknown[] };
  return answer.kvs.length === 1;
}

const grant = (s: Session, ID: number) => s.ask('Lease', 'leaseGrant', { ID, TTL: 600 });
const leaderKey = (name: string, lease: number, rev: string) => ({
  name: bytes(name),
  key: bytes(`${name}/${lease.toString(16)}`),
  rev,
  lease,
});
const revOf = (answer: unknown): string =>
  (answer as { leader?: { rev: string } }).leader?.rev ?? JSON.stringify(answer);

/** Locks and elections: the same waits in the same order, to a real etcd and to ours. */
export const concurrencyScripts: Record<string, (session: Session) => Promise<void>> = {
  'locks: one after the other': async (s) => {
    for (const lease of [0x1001, 0x1002, 0x1003]) await grant(s, lease);
    const name = bytes('lock');
    await s.call('Lock', 'lock', { name, lease: 0x1001 });
    await s.call('Lock', 'lock', { name, lease: 0x1001 });
    const second = s.start('Lock', 'lock', { name, lease: 0x1002 });
    await until('the second', () => exists(s, 'lock/1002'));
    const third = s.start('Lock', 'lock', { name, lease: 0x1003 });
    await until('the third', () => exists(s, 'lock/1003'));
    await s.range({ key: bytes('lock/'), rangeEnd: bytes('lock0') });
    await s.call('Lock', 'unlock', { key: bytes('lock/1001') });
    s.note('the second has it', await second.answer);
    await s.call('Lease', 'leaseRevoke', { ID: 0x1002 });
    s.note('the third has it', await third.answer);
    await s.call('Lock', 'unlock', { key: bytes('lock/1003') });
    await s.call('Lock', 'unlock', { key: bytes('lock/1003') });
    await s.range({ key: bytes('lock/'), rangeEnd: bytes('lock0') });
  },

  'locks: who gives up is out of the queue': async (s) => {
    for (const lease of [0x1011, 0x1012, 0x1013]) await grant(s, lease);
    const name = bytes('quit');
    await s.call('Lock', 'lock', { name, lease: 0x1011 });
    const second = s.start('Lock', 'lock', { name, lease: 0x1012 });
    await until('the second', () => exists(s, 'quit/1012'));
    const third = s.start('Lock', 'lock', { name, lease: 0x1013 });
    await until('the third', () => exists(s, 'quit/1013'));
    second.cancel();
    await until('the second to leave', async () => !(await exists(s, 'quit/1012')));
    await s.call('Lock', 'unlock', { key: bytes('quit/1011') });
    s.note('the third has it', await third.answer);
  },

  'locks: refusals': async (s) => {
    await s.call('Lock', 'lock', { name: bytes('x'), lease: 424242 });
    await s.call('Lock', 'lock', { name: bytes('x'), lease: -5 });
    await s.call('Lock', 'unlock', { key: bytes('') });
    await s.call('Lock', 'unlock', { key: bytes('absent') });
    const made = (await s.ask('Lock', 'lock', { name: bytes('') })) as { key: Buffer };
    s.note('without a name and a lease', /^\/[0-9a-f]+$/.test(made.key.toString()));
  },

  'elections: a term of office': async (s) => {
    for (const lease of [0x1021, 0x1022]) await grant(s, lease);
    const name = bytes('vote');
    await s.call('Election', 'leader', { name });
    const observed = s.responses('Election', 'observe', { name });
    const first = await s.call('Election', 'campaign', { name, lease: 0x1021, value: bytes('a') });
    await until('the first', () => observed.received.length === 1);
    const again = await s.call('Election', 'campaign', { name, lease: 0x1021, value: bytes('b') });
    await until('its value', () => observed.received.length === 2);
    s.note('the same term', revOf(first) === revOf(again));
    await s.call('Election', 'leader', { name });
    const waiting = s.start('Election', 'campaign', { name, lease: 0x1022, value: bytes('c') });
    await until('the second', () => exists(s, 'vote/1022'));
    const leader = leaderKey('vote', 0x1021, revOf(first));
    await s.call('Election', 'proclaim', { leader, value: bytes('d') });
    await until('what it proclaims', () => observed.received.length === 3);
    await s.call('Election', 'proclaim', { leader: { ...leader, rev: '1' }, value: bytes('e') });
    await s.call('Election', 'resign', { leader: { ...leader, rev: '1' } });
    await s.call('Election', 'resign', { leader });
    await until('the successor', () => observed.received.length === 4);
    s.note('the second leads', await waiting.answer);
    await s.call('Election', 'leader', { name });
    await s.call('Election', 'proclaim', { leader, value: bytes('f') });
    await s.call('Election', 'resign', { leader });
    await s.call('Lease', 'leaseRevoke', { ID: 0x1022 });
    await s.call('Election', 'leader', { name });
    s.note('observed', [...observed.received]);
    observed.cancel();
  },

  'elections: who gives up is out of the queue': async (s) => {
    for (const lease of [0x1031, 0x1032, 0x1033]) await grant(s, lease);
    const name = bytes('drop');
    await s.call('Election', 'campaign', { name, lease: 0x1031, value: bytes('a') });
    const second = s.start('Election', 'campaign', { name, lease: 0x1032, value: bytes('b') });
    await until('the second', () => exists(s, 'drop/1032'));
    second.cancel();
    await until('the second to leave', async () => !(await exists(s, 'drop/1032')));
    await s.call('Election', 'campaign', { name, lease: 0x1031, value: bytes('c') });
    await s.call('Election', 'leader', { name });
  },

  'elections: refusals': async (s) => {
    await s.call('Election', 'campaign', { name: bytes('y'), lease: 424242, value: bytes('v') });
    await s.call('Election', 'proclaim', { value: bytes('v') });
    await s.call('Election', 'resign', {});
    const leader = leaderKey('y', 424242, '3');
    await s.call('Election', 'proclaim', { leader, value: bytes('v') });
    await s.call('Election', 'resign', { leader });
  },
};
