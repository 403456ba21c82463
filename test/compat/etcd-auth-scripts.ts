import type { Session } from './etcd-session.js';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

const auth = (s: Session, method: string, request: object = {}): Promise<unknown> =>
  s.call('Auth', method, request);

/** Tokens differ; what is said beside them must not. */
async function login(s: Session, name: string, password: string): Promise<string> {
  const { token, ...said } = (await s.ask('Auth', 'authenticate', { name, password })) as { token?: string };
  s.note(`authenticate ${name} ${password}`, { hasToken: token !== undefined && token !== '', ...said });
  return token ?? '';
}

/** What follows is asked with this token; null: with none. */
function as(s: Session, token: string | null): void {
  s.metadata.remove('token');
  if (token !== null) s.metadata.set('token', token);
}

const perm = (permType: string, key: string, rangeEnd = '') => ({
  permType,
  key: bytes(key),
  rangeEnd: bytes(rangeEnd),
});

const grant = (s: Session, name: string, ...permission: Parameters<typeof perm>): Promise<unknown> =>
  auth(s, 'roleGrantPermission', { name, perm: perm(...permission) });

async function usersAndRoles(s: Session): Promise<void> {
  await auth(s, 'authDisable');
  await auth(s, 'authEnable');
  await auth(s, 'userList');
  await auth(s, 'roleList');
  await login(s, 'root', 'pw');
  await auth(s, 'userAdd', { name: 'alice', password: 'pw' });
  await auth(s, 'userAdd', { name: 'alice', password: 'pw' });
  await auth(s, 'userAdd', { name: '', password: 'pw' });
  await auth(s, 'userAdd', { name: 'bare', options: { noPassword: true } });
  await auth(s, 'userAdd', { name: 'Zoë', password: 'ü' });
  await auth(s, 'userList');
  await auth(s, 'userGet', { name: 'alice' });
  for (const method of ['userGet', 'userDelete']) await auth(s, method, { name: 'nobody' });
  await auth(s, 'userChangePassword', { name: 'nobody', password: 'x' });
  await auth(s, 'userChangePassword', { name: 'alice', password: 'new' });
  await auth(s, 'userGrantRole', { user: 'nobody', role: 'reader' });
  await auth(s, 'userGrantRole', { user: 'alice', role: 'reader' });
  await auth(s, 'roleAdd', { name: 'reader' });
  await auth(s, 'roleAdd', { name: 'reader' });
  await auth(s, 'roleAdd', { name: '' });
  await auth(s, 'roleAdd', { name: 'another' });
  await auth(s, 'roleList');
  await auth(s, 'userGrantRole', { user: 'alice', role: 'reader' });
  await auth(s, 'userGrantRole', { user: 'alice', role: 'reader' });
  await auth(s, 'userGrantRole', { user: 'alice', role: 'another' });
  await auth(s, 'userGet', { name: 'alice' });
  await auth(s, 'userRevokeRole', { name: 'alice', role: 'absent' });
  await auth(s, 'userRevokeRole', { name: 'nobody', role: 'reader' });
  await auth(s, 'roleGet', { role: 'absent' });
  await auth(s, 'roleDelete', { role: 'absent' });
  await auth(s, 'roleDelete', { role: 'another' });
  await auth(s, 'userGet', { name: 'alice' });
  await auth(s, 'userRevokeRole', { name: 'alice', role: 'reader' });
  await auth(s, 'userRevokeRole', { name: 'alice', role: 'reader' });
}

async function permissions(s: Session): Promise<void> {
  await grant(s, 'absent', 'READ', 'k');
  await grant(s, 'reader', 'READ', 'k', 'l');
  await grant(s, 'reader', 'WRITE', 'b');
  await grant(s, 'reader', 'READWRITE', 'x', '\0');
  await grant(s, 'reader', 'READWRITE', 'k', 'l');
  await grant(s, 'reader', 'READ', 'a', 'b');
  await auth(s, 'roleGet', { role: 'reader' });
  const revoke = (role: string, key: string, rangeEnd: string) =>
    auth(s, 'roleRevokePermission', { role, key: bytes(key), rangeEnd: bytes(rangeEnd) });
  await revoke('absent', 'k', 'l');
  await revoke('reader', 'k', '');
  await revoke('reader', 'b', '');
  await revoke('reader', 'x', '\0');
  await auth(s, 'roleGet', { role: 'reader' });
  await auth(s, 'authEnable');
  await auth(s, 'userAdd', { name: 'root', password: 'root' });
  await auth(s, 'authEnable');
  await auth(s, 'userGrantRole', { user: 'root', role: 'root' });
  await auth(s, 'roleGet', { role: 'root' });
  await auth(s, 'roleAdd', { name: 'root' });
  await auth(s, 'roleGet', { role: 'root' });
  await auth(s, 'userGrantRole', { user: 'alice', role: 'reader' });
}

/** An empty end must not be sent at all: etcd 3.4 takes it for "\0", and lets whoever may read the first key read them all. */
const range = (s: Session, key: string, rangeEnd = '', more: object = {}): Promise<unknown> =>
  s.range({ key: bytes(key), ...(rangeEnd !== '' && { rangeEnd: bytes(rangeEnd) }), ...more });

/** What one user is told: alice reads and writes k..l and reads a..b. */
async function requests(s: Session): Promise<void> {
  await s.put('k1', '1');
  await s.put('k1', '2', { prevKv: true });
  await s.put('a1', '1');
  await s.put('z', '1');
  await s.put('', '1');
  for (const [key, rangeEnd] of [
    ['a'],
    ['k', 'l'],
    ['k5', 'l'],
    ['k', 'l\0'],
    ['a', 'l'],
    ['a', '\0'],
    ['\0', '\0'],
    ['j'],
  ] as const)
    await range(s, key, rangeEnd);
  await range(s, 'z', '', { serializable: true });
  await range(s, 'k', '', { revision: 9_999 });
  await s.remove('k', { rangeEnd: bytes('l') });
  await s.remove('a', { prevKv: true });
  await s.remove('k', { rangeEnd: bytes('m'), prevKv: true });
  const put = (key: string) => ({ requestPut: { key: bytes(key), value: bytes('v') } });
  const compare = (key: string) => ({ key: bytes(key), target: 'VERSION', result: 'EQUAL', version: 0 });
  await s.txn({ compare: [compare('k2')], success: [put('k2')], failure: [put('k3')] });
  await s.txn({ compare: [compare('z')], success: [put('k2')] });
  await s.txn({ compare: [compare('a')], success: [put('k2')], failure: [put('a')] });
  await s.txn({ success: [{ requestRange: { key: bytes('z') } }] });
  await s.txn({ success: [put('k1'), put('k1')] });
}

async function leases(s: Session, root: string, alice: string): Promise<void> {
  const grantAs = async (token: string, ID: number): Promise<void> => {
    as(s, token);
    await s.call('Lease', 'leaseGrant', { ID, TTL: 100 });
  };
  await grantAs(alice, 7_001);
  await s.put('k9', 'x', { lease: 7_001 });
  await s.call('Lease', 'leaseRevoke', { ID: 7_001 });
  await grantAs(root, 7_002);
  await s.put('z9', 'x', { lease: 7_002 });
  as(s, alice);
  await s.put('k9', 'x', { lease: 7_002 });
  await s.call('Lease', 'leaseRevoke', { ID: 7_002 });
  as(s, root);
  await s.call('Lease', 'leaseRevoke', { ID: 7_002 });
}

const administrators = [
  ['Auth', 'userList', {}],
  ['Auth', 'roleList', {}],
  ['Auth', 'userAdd', { name: 'mallory', password: 'x' }],
  ['Auth', 'userDelete', { name: 'bare' }],
  ['Auth', 'userGet', { name: 'root' }],
  ['Auth', 'userGet', { name: 'alice' }],
  ['Auth', 'userGet', { name: 'nobody' }],
  ['Auth', 'roleGet', { role: 'root' }],
  ['Auth', 'roleGet', { role: 'reader' }],
  ['Auth', 'roleGet', { role: 'absent' }],
  ['Auth', 'userGrantRole', { user: 'alice', role: 'root' }],
  ['Auth', 'userRevokeRole', { name: 'root', role: 'root' }],
  ['Auth', 'userDelete', { name: 'root' }],
  ['Auth', 'roleDelete', { role: 'root' }],
  ['Auth', 'authDisable', {}],
  ['Cluster', 'memberRemove', { ID: 1 }],
] as const;

async function watches(s: Session): Promise<void> {
  const watch = s.watch();
  for (const create of [
    { key: bytes('k'), rangeEnd: bytes('l') },
    { key: bytes('z') },
    { key: bytes('k'), rangeEnd: bytes('m') },
    { key: bytes('a'), watchId: 5 },
  ])
    watch.create(create);
  await watch.responses(4);
  await s.put('k1', 'seen');
  await watch.events(1);
  s.note('stories', watch.stories());
  watch.close();
}

export const authScripts: Record<string, (session: Session) => Promise<void>> = {
  'users, roles and permissions': async (s) => {
    await usersAndRoles(s);
    await permissions(s);
  },

  'what they may do once authentication is on': async (s) => {
    await auth(s, 'authEnable');
    await auth(s, 'authEnable');
    await login(s, 'root', 'wrong');
    await login(s, 'alice', 'pw');
    await login(s, 'nobody', 'x');
    await login(s, '', '');
    const root = await login(s, 'root', 'root');
    const alice = await login(s, 'alice', 'new');
    for (const token of [null, 'no.1', 'nonsense', alice]) {
      as(s, token);
      await requests(s);
      if (token !== alice) continue;
      for (const [service, method, request] of administrators) await s.call(service, method, request);
      await watches(s);
    }
    await leases(s, root, alice);
    as(s, null);
    for (const [service, method, request] of administrators) await s.call(service, method, request);
    await watchesOfNobody(s);
    as(s, root);
    for (const [service, method, request] of administrators.filter(([, method]) =>
      ['userGet', 'roleGet', 'userRevokeRole', 'roleDelete', 'userList', 'roleList'].includes(method),
    ))
      await s.call(service, method, request);
    await auth(s, 'userDelete', { name: 'root' });
    await range(s, '\0', '\0', { countOnly: true });
  },

  'tokens end, and authentication is switched off': async (s) => {
    const alice = await login(s, 'alice', 'new');
    const root = await login(s, 'root', 'root');
    as(s, alice);
    await range(s, 'k');
    as(s, root);
    await auth(s, 'userRevokeRole', { name: 'alice', role: 'reader' });
    as(s, alice);
    await range(s, 'k');
    as(s, root);
    await auth(s, 'userChangePassword', { name: 'alice', password: 'newer' });
    as(s, alice);
    await range(s, 'k');
    await s.put('k', 'x');
    as(s, null);
    as(s, await login(s, 'alice', 'newer'));
    await range(s, 'k');
    as(s, root);
    await auth(s, 'userDelete', { name: 'alice' });
    await auth(s, 'authDisable');
    as(s, null);
    await range(s, 'k');
    await login(s, 'root', 'root');
    for (const name of ['root', 'bare', 'Zoë']) await auth(s, 'userDelete', { name });
    for (const role of ['root', 'reader']) await auth(s, 'roleDelete', { role });
    await auth(s, 'userList');
    await auth(s, 'roleList');
  },
};

async function watchesOfNobody(s: Session): Promise<void> {
  for (const token of [null, 'no.1']) {
    as(s, token);
    const watch = s.watch();
    watch.create({ key: bytes('k') });
    await watch.responses(1);
    s.note('stories', watch.stories());
    watch.close();
  }
}
