import type { Session } from './etcd-session.js';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
/** The range of everything under a prefix. */
const prefix = (text: string): { key: Buffer; rangeEnd: Buffer } => {
  const rangeEnd = bytes(text);
  rangeEnd[rangeEnd.length - 1]! += 1;
  return { key: bytes(text), rangeEnd };
};
const put = (key: string, value: string, more: object = {}) => ({
  requestPut: { key: bytes(key), value: bytes(value), ...more },
});
const get = (key: string, more: object = {}) => ({ requestRange: { key: bytes(key), ...more } });
const del = (key: string, more: object = {}) => ({ requestDeleteRange: { key: bytes(key), ...more } });
const nested = (txn: object) => ({ requestTxn: txn });

/** Requests that are sent, in this order, to a fresh real etcd and to a fresh store of ours; every answer must be the same. */
export const scripts: Record<string, (session: Session) => Promise<void>> = {
  'put and its options': async (s) => {
    await s.put('p', '1');
    await s.put('p', '2', { prevKv: true });
    await s.put('p', '', { ignoreValue: true, prevKv: true });
    await s.put('p', '3', { ignoreLease: true });
    await s.put('fresh', '1', { prevKv: true });
    await s.put('absent', '', { ignoreValue: true });
    await s.put('absent', 'x', { ignoreLease: true });
    await s.put('p', 'x', { ignoreValue: true });
    await s.put('p', 'x', { ignoreLease: true, lease: 5 });
    await s.put('p', 'x', { lease: 424242 });
    await s.put('', 'x');
    await s.put('bytes\xff', '\xfe', { prevKv: true });
    await s.range({ key: bytes('p') });
  },

  'every option of range': async (s) => {
    const values = ['m', 'c', 'z', 'a'];
    for (const [at, value] of values.entries()) await s.put(`r${at}`, value);
    await s.put('r1', 'q');
    await s.put('r1', 'b');
    await s.put('r3', 'y');
    const all = prefix('r');
    await s.range(all);
    await s.range({ key: bytes('r1') });
    await s.range({ key: bytes('r9') });
    await s.range({ key: bytes('r1'), rangeEnd: bytes('r3') });
    await s.range({ key: bytes('r3'), rangeEnd: bytes('r1') });
    await s.range({ key: bytes('r1'), rangeEnd: bytes('r1') });
    await s.range({ key: bytes('r2'), rangeEnd: bytes('\0') });
    await s.range({ key: bytes('\0'), rangeEnd: bytes('\0'), keysOnly: true });
    for (const limit of [1, 2, 4, 5, 0, -1]) await s.range({ ...all, limit });
    await s.range({ key: bytes('r1'), limit: 1 });
    await s.range({ ...all, keysOnly: true });
    await s.range({ ...all, countOnly: true });
    await s.range({ ...all, countOnly: true, limit: 2 });
    await s.range({ ...all, serializable: true });
    for (const sortTarget of ['KEY', 'VERSION', 'CREATE', 'MOD', 'VALUE']) {
      for (const sortOrder of ['NONE', 'ASCEND', 'DESCEND']) {
        await s.range({ ...all, sortTarget, sortOrder });
        await s.range({ ...all, sortTarget, sortOrder, limit: 2 });
      }
    }
    const first = Number(
      ((await s.ask('KV', 'range', { key: bytes('r0') })) as { kvs: { modRevision: string }[] }).kvs[0]!
        .modRevision,
    );
    for (const revision of [first - 1, first, first + 2, first + 4, -1]) await s.range({ ...all, revision });
    await s.range({ ...all, revision: first + 1000 });
    await s.range({ ...all, minModRevision: first + 2 });
    await s.range({ ...all, maxModRevision: first + 2 });
    await s.range({ ...all, minCreateRevision: first + 1, maxCreateRevision: first + 2 });
    await s.range({ ...all, minModRevision: first + 2, limit: 1 });
    await s.range({
      ...all,
      maxCreateRevision: first + 2,
      limit: 1,
      sortTarget: 'VALUE',
      sortOrder: 'DESCEND',
    });
    await s.range({ ...all, minModRevision: first + 2, countOnly: true });
    await s.range({});
    await s.range({ rangeEnd: bytes('z') });
  },

  'delete and its options': async (s) => {
    for (const key of ['d1', 'd2', 'd3', 'd4', 'e1']) await s.put(key, key);
    await s.remove('nothing');
    await s.remove('nothing', { prevKv: true });
    await s.remove('d1');
    await s.remove('d1', { prevKv: true });
    await s.remove('d2', { prevKv: true });
    await s.remove('d3', { rangeEnd: bytes('d9'), prevKv: true });
    await s.remove('e', { rangeEnd: bytes('a') });
    await s.put('d1', 'again');
    await s.range({ key: bytes('d1') });
    await s.remove('');
    await s.remove('e', { rangeEnd: bytes('\0') });
  },

  'what a transaction compares': async (s) => {
    await s.put('t1', 'b');
    await s.put('t1', 'm');
    await s.put('t2', 'm');
    const { kvs } = (await s.ask('KV', 'range', { key: bytes('t1') })) as {
      kvs: { createRevision: string; modRevision: string }[];
    };
    const created = Number(kvs[0]!.createRevision);
    const compares: object[] = [];
    for (const result of ['EQUAL', 'GREATER', 'LESS', 'NOT_EQUAL']) {
      for (const key of [bytes('t1'), bytes('absent')]) {
        for (const version of [0, 1, 2, 3]) compares.push({ result, key, target: 'VERSION', version });
        for (const createRevision of [0, created, created + 1]) {
          compares.push({ result, key, target: 'CREATE', createRevision });
        }
        for (const modRevision of [0, created, created + 1])
          compares.push({ result, key, target: 'MOD', modRevision });
        for (const value of ['', 'b', 'm', 'z'])
          compares.push({ result, key, target: 'VALUE', value: bytes(value) });
        for (const lease of [0, 1]) compares.push({ result, key, target: 'LEASE', lease });
        compares.push({ result, key, target: 'MOD' }, { result, key, target: 'VALUE' });
      }
      compares.push({ result, ...prefix('t'), target: 'VALUE', value: bytes('m') });
      compares.push({ result, ...prefix('t'), target: 'VERSION', version: 1 });
      compares.push({ result, ...prefix('nothing'), target: 'VERSION', version: 0 });
      compares.push({ result, ...prefix('nothing'), target: 'VALUE', value: bytes('') });
      compares.push({
        result,
        key: bytes('t1'),
        rangeEnd: bytes('\0'),
        target: 'CREATE',
        createRevision: created,
      });
    }
    for (const compare of compares) await s.txn({ compare: [compare] });
    const yes = { result: 'EQUAL', key: bytes('t1'), target: 'VERSION', version: 2 };
    const no = { result: 'EQUAL', key: bytes('t2'), target: 'VERSION', version: 9 };
    await s.txn({ compare: [yes, yes], success: [get('t1')], failure: [get('t2')] });
    await s.txn({ compare: [yes, no], success: [get('t1')], failure: [get('t2')] });
  },

  'what a transaction does': async (s) => {
    await s.txn({});
    await s.txn({ success: [put('x1', 'a'), put('x2', 'b'), get('x1'), get('x', { rangeEnd: bytes('y') })] });
    await s.range({ ...prefix('x') });
    await s.txn({
      success: [get('x1'), del('x1', { prevKv: true }), get('x1'), put('x3', 'c', { prevKv: true })],
    });
    await s.txn({ success: [del('nothing'), get('x2')] });
    await s.txn({ success: [get('x2', { serializable: true })] });
    await s.txn({ success: [put('x2', 'd', { prevKv: true }), del('x3', { prevKv: true })] });
    await s.txn({
      success: [put('x4', '1'), get('x', { rangeEnd: bytes('y'), limit: 1, sortOrder: 'DESCEND' })],
    });
    const { header } = (await s.ask('KV', 'range', { key: bytes('x4') })) as { header: { revision: string } };
    const now = Number(header.revision);
    await s.txn({
      success: [get('x2', { revision: now - 1 }), put('x5', '1'), get('x2', { revision: now })],
    });
    await s.txn({ success: [put('x6', '1'), get('x6', { revision: now + 1000 })] });
    await s.range({ key: bytes('x6') });
    await s.txn({ success: [put('x6', '1'), put('absent', '', { ignoreValue: true })] });
    await s.txn({ success: [put('x6', '1'), put('x7', '1', { lease: 987654 })] });
    await s.range({ key: bytes('x6') });
  },

  'transactions within transactions': async (s) => {
    const isNew = (key: string) => ({ result: 'EQUAL', key: bytes(key), target: 'VERSION', version: 0 });
    await s.put('n1', '0');
    await s.txn({
      success: [
        put('n2', '1'),
        // Compared with the state before the whole transaction, not after the put above.
        nested({
          compare: [isNew('n2')],
          success: [put('n3', 'new'), get('n2')],
          failure: [put('n3', 'old')],
        }),
        nested({
          compare: [isNew('n1')],
          success: [put('n4', 'yes')],
          failure: [put('n4', 'no'), nested({ success: [get('n4')] })],
        }),
      ],
    });
    await s.range(prefix('n'));
    await s.txn({ success: [nested({ success: [get('n1')] })] });
    await s.txn({ success: [nested({ success: [put('n9', '1')] }), nested({ success: [del('n9')] })] });
    await s.range(prefix('n'));
  },

  'transactions that are refused': async (s) => {
    await s.txn({ success: [put('k', '1'), put('k', '2')] });
    await s.txn({ success: [put('k', '1'), del('k')] });
    await s.txn({ success: [del('a', { rangeEnd: bytes('z') }), put('k', '2')] });
    await s.txn({ success: [del('k', { rangeEnd: bytes('\0') }), put('m', '2')] });
    await s.txn({ success: [del('k'), del('k')] });
    await s.txn({ success: [put('k', '1')], failure: [put('k', '2')] });
    await s.txn({ success: [put('k', '1'), nested({ success: [put('k', '2')] })] });
    await s.txn({ success: [nested({ success: [put('k', '1')], failure: [put('k', '2')] })] });
    await s.txn({ success: [nested({ success: [put('k', '1')] }), nested({ success: [put('k', '2')] })] });
    await s.txn({ success: [nested({ success: [del('k')] }), put('k', '2')] });
    await s.txn({ success: [nested({ success: [del('k')] }), nested({ success: [put('k', '2')] })] });
    await s.txn({ failure: [put('k', '1'), put('k', '2')] });
    const many = (count: number) => Array.from({ length: count }, (_, at) => put(`many${at}`, ''));
    await s.txn({ success: many(129) });
    await s.txn({ failure: many(129) });
    await s.txn({ success: many(128) });
    await s.txn({ success: [...many(100), nested({ success: Array.from({ length: 30 }, () => get('k')) })] });
    await s.txn({
      compare: Array.from({ length: 129 }, () => ({ key: bytes('k'), target: 'VERSION', version: 0 })),
    });
    await s.txn({ success: [put('', '1')] });
    await s.txn({ success: [get('')] });
    await s.txn({ success: [del('')] });
    await s.txn({ failure: [put('k', 'x', { ignoreValue: true })] });
    await s.txn({ compare: [{ target: 'VERSION', version: 0 }] });
    await s.txn({ success: [{}] });
    await s.txn({ success: [nested({ success: [put('', '1')] })] });
  },

  compaction: async (s) => {
    const last = async (): Promise<number> =>
      Number(
        ((await s.ask('KV', 'range', { key: bytes('c') })) as { header: { revision: string } }).header
          .revision,
      );
    await s.put('c', '1');
    await s.put('c', '2');
    await s.put('gone', '1');
    await s.remove('gone');
    await s.put('c', '3');
    const now = await last();
    await s.call('KV', 'compact', { revision: now + 1 });
    await s.call('KV', 'compact', { revision: now - 2, physical: true });
    await s.call('KV', 'compact', { revision: now - 2 });
    await s.call('KV', 'compact', { revision: now - 3 });
    await s.call('KV', 'compact', { revision: -1 });
    for (const revision of [now - 3, now - 2, now - 1, now]) {
      await s.range({ key: bytes('c'), revision });
      await s.range({ key: bytes('gone'), revision });
      await s.txn({ success: [get('c', { revision })] });
      await s.txn({ success: [get('c', { revision }), put('other', '1')] });
    }
    await s.put('c', '4', { prevKv: true });
    await s.call('KV', 'compact', { revision: await last(), physical: true });
    await s.range({ key: bytes('c'), revision: now });
    await s.range({ key: bytes('c') });
    await s.call('KV', 'compact', { revision: 0 });
  },

  'requests that are too large': async (s) => {
    await s.put('large', 'x'.repeat(1_500_000));
    await s.put('large', 'x'.repeat(1_600_000));
    await s.remove('large', { prevKv: true });
  },

  leases: async (s) => {
    const lease = (method: string, request: object): Promise<unknown> => s.call('Lease', method, request);
    await lease('leaseGrant', { TTL: 100, ID: 1001 });
    await lease('leaseGrant', { TTL: 100, ID: 1001 });
    await lease('leaseGrant', { TTL: 0, ID: 1002 });
    await lease('leaseGrant', { TTL: -5, ID: 1003 });
    await lease('leaseGrant', { TTL: 9_000_000_001, ID: 1004 });
    await lease('leaseGrant', { TTL: 9_000_000_000, ID: 1005 });
    await lease('leaseRevoke', { ID: 1005 });
    await lease('leaseRevoke', { ID: 4040 });
    await lease('leaseRevoke', { ID: 0 });
    await s.put('l2', 'b', { lease: 1001 });
    await s.put('l1', 'a', { lease: 1001 });
    await s.put('l3', 'c', { lease: 1001 });
    await s.put('l3', 'c2', { prevKv: true });
    await s.put('l2', 'b2', { ignoreLease: true });
    await s.range(prefix('l'));
    const ttl = (await s.ask('Lease', 'leaseTimeToLive', { ID: 1001, keys: true })) as {
      TTL: string;
      keys: Buffer[];
    };
    s.note('keys of 1001', { ...ttl, TTL: Number(ttl.TTL) > 90, keys: ttl.keys.map(String).sort() });
    await lease('leaseTimeToLive', { ID: 4040 });
    await lease('leaseTimeToLive', { ID: 4040, keys: true });
    const { leases } = (await s.ask('Lease', 'leaseLeases', {})) as { leases: { ID: string }[] };
    s.note(
      'leases',
      leases.map(({ ID }) => ID).filter((id) => id === '1001'),
    );
    await s.txn({ compare: [{ key: bytes('l1'), target: 'LEASE', lease: 1001 }], success: [get('l1')] });
    await lease('leaseRevoke', { ID: 1001 });
    await s.range({ ...prefix('l') });
    await lease('leaseRevoke', { ID: 1001 });
    const random = (await s.ask('Lease', 'leaseGrant', { TTL: 50 })) as {
      ID: string;
      TTL: string;
      error: string;
    };
    s.note('a lease without an id', {
      positive: BigInt(random.ID) > 0n,
      TTL: random.TTL,
      error: random.error,
    });
    await s.ask('Lease', 'leaseRevoke', { ID: random.ID });
  },

  'keeping leases alive, and their end': async (s) => {
    // Long enough that it does not end before it is renewed.
    await s.call('Lease', 'leaseGrant', { TTL: 5, ID: 2001 });
    await s.call('Lease', 'leaseGrant', { TTL: 60, ID: 2002 });
    await s.put('k2', '', { lease: 2001 });
    await s.put('k1', '', { lease: 2001 });
    const watch = s.watch();
    watch.create({ ...prefix('k') });
    await watch.responses(1);
    const stream = s.lease.leaseKeepAlive();
    const answers: unknown[] = [];
    stream.on('data', (answer) => answers.push(answer));
    stream.on('error', (error) => answers.push(error));
    for (const ID of [2001, 2002, 4040]) stream.write({ ID });
    await watch.until('the end of the lease', () => watch.eventsOf().length >= 2);
    s.note('events', watch.stories());
    stream.write({ ID: 2001 });
    await watch.until('the answers', () => answers.length >= 4);
    s.note('keepalives', answers);
    stream.end();
    watch.close();
    await s.call('Lease', 'leaseTimeToLive', { ID: 2001 });
    await s.call('Lease', 'leaseRevoke', { ID: 2001 });
    await s.ask('Lease', 'leaseRevoke', { ID: 2002 });
    await s.range(prefix('k'));
  },
};

/** What only a cluster of one answers like etcd's cluster of one. */
export const clusterScripts: Record<string, (session: Session) => Promise<void>> = {
  'cluster, maintenance and authentication': async (s) => {
    const list = (await s.ask('Cluster', 'memberList', {})) as {
      members: { name: string; isLearner: boolean }[];
    };
    s.note(
      'members',
      list.members.map(({ name, isLearner }) => ({ name, isLearner })),
    );
    await s.call('Maintenance', 'alarm', {});
    const status = (await s.ask('Maintenance', 'status', {})) as Record<string, unknown>;
    s.note('status', {
      leads: status['leader'] === (status['header'] as { memberId: string }).memberId,
      revision: (status['header'] as { revision: string }).revision,
      errors: status['errors'],
      isLearner: status['isLearner'],
      applied: status['raftAppliedIndex'] === status['raftIndex'],
    });
    const hash = (await s.ask('Maintenance', 'hashKv', {})) as Record<string, unknown>;
    s.note('hash', {
      compactRevision: hash['compactRevision'],
      revision: (hash['header'] as { revision: string }).revision,
    });
    await s.call('Maintenance', 'hashKv', { revision: 1_000_000 });
    await s.call('Auth', 'authenticate', { name: 'root', password: 'x' });
    await s.call('Auth', 'userGet', { name: 'nobody' });
    await s.call('Auth', 'roleGet', { role: 'nobody' });
    await s.call('Auth', 'userList', {});
    await s.call('Auth', 'roleList', {});
    await s.call('Auth', 'authDisable', {});
  },
};
