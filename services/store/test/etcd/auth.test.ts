import { Metadata, status, type ServiceError } from '@grpc/grpc-js';
import type { LeaseClient } from '@raftsman/proto/gen/etcdserverpb/Lease.js';
import type { MaintenanceClient } from '@raftsman/proto/gen/etcdserverpb/Maintenance.js';
import type { WatchClient } from '@raftsman/proto/gen/etcdserverpb/Watch.js';
import type { WatchResponse__Output } from '@raftsman/proto/gen/etcdserverpb/WatchResponse.js';
import { clientCredentials, loadService } from '@raftsman/wire';
import { afterEach, describe, expect, it } from 'vitest';
import type { EtcdFaceConfig } from '../../src/etcd/index.js';
import { serveSingleMember, type Serving } from './single-member.js';
import { until } from '../../../../test/support/until.js';

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

type Answer = Record<string, unknown> & { readonly code?: status; readonly details?: string };
type Unary = (
  request: object,
  metadata: Metadata,
  done: (error: ServiceError | null, response?: object) => void,
) => unknown;

/** One client's connection, which shows a token once it has one. */
class Client {
  readonly metadata = new Metadata();
  readonly #port: number;
  readonly #services = new Map<string, Record<string, Unary>>();

  constructor({ port }: Pick<Serving, 'port'>) {
    this.#port = port;
  }

  service(name: string): Record<string, Unary> {
    const known = this.#services.get(name);
    if (known !== undefined) return known;
    const made = new (loadService('etcd/rpc.proto', `etcdserverpb.${name}`))(
      `127.0.0.1:${this.#port}`,
      clientCredentials('insecure'),
    );
    cleanups.push(() => made.close());
    this.#services.set(name, made as unknown as Record<string, Unary>);
    return made as unknown as Record<string, Unary>;
  }

  /** The answer, or the refusal as { code, details }. */
  ask(
    service: 'Auth' | 'KV' | 'Lease' | 'Cluster' | 'Maintenance',
    method: string,
    request: object = {},
  ): Promise<Answer> {
    const client = this.service(service);
    return new Promise((resolve) => {
      client[method]!(request, this.metadata, (error, response) =>
        resolve((error ? { code: error.code, details: error.details } : response) as Answer),
      );
    });
  }

  /** The status' text; undefined: it was done. */
  async refusal(...call: Parameters<Client['ask']>): Promise<string | undefined> {
    return (await this.ask(...call)).details;
  }

  async login(name: string, password: string): Promise<this> {
    const { token, details } = await this.ask('Auth', 'authenticate', { name, password });
    expect(details).toBeUndefined();
    this.metadata.set('token', token as string);
    return this;
  }

  watch(create: object): { readonly received: WatchResponse__Output[]; close(): void } {
    const stream = (this.service('Watch') as unknown as WatchClient).watch(this.metadata);
    const received: WatchResponse__Output[] = [];
    stream.on('data', (response: WatchResponse__Output) => received.push(response));
    stream.on('error', () => undefined);
    stream.write({ createRequest: create });
    cleanups.push(() => stream.cancel());
    return { received, close: () => stream.cancel() };
  }
}

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const put = (key: string, more: object = {}) => ({ key: bytes(key), value: bytes('v'), ...more });
const denied = 'etcdserver: permission denied';
const nobody = 'etcdserver: user name is empty';

/** root, and `user` who reads a..b and r..s and writes a..b and w..x, with authentication on. */
async function enabled(config: Partial<EtcdFaceConfig> = {}): Promise<{
  readonly serving: Serving;
  readonly root: Client;
  readonly user: Client;
  readonly anonymous: Client;
}> {
  const serving = await serveSingleMember(config);
  cleanups.push(() => serving.close());
  const setup = new Client(serving);
  const does = async (method: string, request: object): Promise<void> => {
    expect(await setup.refusal('Auth', method, request)).toBeUndefined();
  };
  await does('userAdd', { name: 'root', password: 'secret' });
  await does('userGrantRole', { user: 'root', role: 'root' });
  await does('userAdd', { name: 'user', password: 'pw' });
  await does('roleAdd', { name: 'some' });
  await does('userGrantRole', { user: 'user', role: 'some' });
  const grant = (permType: string, key: string, rangeEnd: string) =>
    does('roleGrantPermission', {
      name: 'some',
      perm: { permType, key: bytes(key), rangeEnd: bytes(rangeEnd) },
    });
  await grant('READWRITE', 'a', 'b');
  await grant('READ', 'r', 's');
  await grant('WRITE', 'w', 'x');
  await does('authEnable', {});
  return {
    serving,
    root: await new Client(serving).login('root', 'secret'),
    user: await new Client(serving).login('user', 'pw'),
    anonymous: new Client(serving),
  };
}

describe('who may do what', () => {
  it('is about keys and ranges, with everything that a request reveals', async () => {
    const { root, user, anonymous } = await enabled();
    const ask = (method: string, request: object) => user.refusal('KV', method, request);
    expect(await anonymous.ask('KV', 'range', { key: bytes('a') })).toEqual({
      code: status.INVALID_ARGUMENT,
      details: nobody,
    });
    expect(await anonymous.refusal('KV', 'put', put('a'))).toBe(nobody);
    expect(await user.ask('KV', 'put', put('c'))).toEqual({
      code: status.PERMISSION_DENIED,
      details: denied,
    });
    expect(await ask('put', put('a1'))).toBeUndefined();
    expect(await ask('put', put('w1'))).toBeUndefined();
    expect(await ask('put', put('w1', { prevKv: true }))).toBe(denied);
    expect(await ask('put', put('r1'))).toBe(denied);
    expect(await ask('range', { key: bytes('r1') })).toBeUndefined();
    expect(await ask('range', { key: bytes('w1') })).toBe(denied);
    expect(await ask('range', { key: bytes('a'), rangeEnd: bytes('b') })).toBeUndefined();
    expect(await ask('range', { key: bytes('a'), rangeEnd: bytes('b\0') })).toBe(denied);
    expect(await ask('range', { key: bytes('a'), rangeEnd: bytes('\0') })).toBe(denied);
    expect(await ask('range', { key: bytes('b'), serializable: true })).toBe(denied);
    expect(await ask('deleteRange', { key: bytes('w'), rangeEnd: bytes('x') })).toBeUndefined();
    expect(await ask('deleteRange', { key: bytes('w'), rangeEnd: bytes('x'), prevKv: true })).toBe(denied);
    expect(await root.refusal('KV', 'range', { key: bytes('\0'), rangeEnd: bytes('\0') })).toBeUndefined();
  });

  it('covers transactions with both branches and all that is nested in them', async () => {
    const { user, anonymous } = await enabled();
    const txn = (request: object) => user.refusal('KV', 'txn', request);
    const compare = (key: string) => ({ key: bytes(key), target: 'VERSION', result: 'EQUAL', version: 0 });
    expect(await txn({ compare: [compare('a')], success: [{ requestPut: put('a') }] })).toBeUndefined();
    expect(await txn({ compare: [compare('w')], success: [{ requestPut: put('a') }] })).toBe(denied);
    expect(await txn({ success: [{ requestPut: put('a') }], failure: [{ requestPut: put('c') }] })).toBe(
      denied,
    );
    expect(await txn({ failure: [{ requestRange: { key: bytes('w') } }] })).toBe(denied);
    expect(await txn({ success: [{ requestPut: put('w', { prevKv: true }) }] })).toBe(denied);
    const inner = { success: [{ requestDeleteRange: { key: bytes('r') } }] };
    expect(await txn({ success: [{ requestTxn: inner }] })).toBe(denied);
    expect(await anonymous.refusal('KV', 'txn', { success: [{ requestPut: put('a') }] })).toBe(nobody);
  });

  it('covers the keys of a lease', async () => {
    const { root, user, anonymous } = await enabled();
    const grant = (who: Client, ID: number) => who.refusal('Lease', 'leaseGrant', { ID, TTL: 60 });
    expect(await grant(anonymous, 1)).toBe(nobody);
    expect(await grant(user, 1)).toBeUndefined();
    expect(await grant(user, 2)).toBeUndefined();
    expect(await root.refusal('KV', 'put', put('c', { lease: 1 }))).toBeUndefined();
    expect(await user.refusal('KV', 'put', put('a', { lease: 1 }))).toBe(denied);
    expect(await user.refusal('KV', 'txn', { success: [{ requestPut: put('a', { lease: 1 }) }] })).toBe(
      denied,
    );
    expect(await user.refusal('Lease', 'leaseRevoke', { ID: 1 })).toBe(denied);
    expect(await user.refusal('Lease', 'leaseTimeToLive', { ID: 1, keys: true })).toBe(denied);
    expect(await user.refusal('Lease', 'leaseTimeToLive', { ID: 1 })).toBeUndefined();
    expect(await anonymous.refusal('Lease', 'leaseTimeToLive', { ID: 1 })).toBe(nobody);
    expect(await user.refusal('Lease', 'leaseLeases')).toBe(denied);
    expect(await root.refusal('Lease', 'leaseLeases')).toBeUndefined();
    expect(await anonymous.refusal('Lease', 'leaseLeases')).toBe(nobody);
    expect(await user.refusal('Lease', 'leaseRevoke', { ID: 2 })).toBeUndefined();
  });

  it('covers renewals', async () => {
    const { root, user } = await enabled();
    await root.ask('Lease', 'leaseGrant', { ID: 1, TTL: 60 });
    await root.ask('KV', 'put', put('c', { lease: 1 }));
    const renew = (who: Client): Promise<unknown> =>
      new Promise((resolve) => {
        const stream = (who.service('Lease') as unknown as LeaseClient).leaseKeepAlive(who.metadata);
        stream.on('data', ({ TTL }: { TTL: string }) => {
          resolve(TTL);
          stream.end();
        });
        stream.on('error', ({ details }: ServiceError) => resolve(details));
        stream.write({ ID: 1 });
      });
    expect(await renew(root)).toBe('60');
    expect(await renew(user)).toBe(denied);
  });

  it('leaves the cluster, its care, users and roles to administrators', async () => {
    const { root, user, anonymous } = await enabled();
    const calls: readonly Parameters<Client['ask']>[] = [
      ['KV', 'compact', { revision: 1 }],
      ['Cluster', 'memberAdd', { peerURLs: ['http://127.0.0.1:1'] }],
      ['Cluster', 'memberRemove', { ID: 1 }],
      ['Maintenance', 'defragment'],
      ['Maintenance', 'hashKv'],
      ['Maintenance', 'moveLeader', { targetID: 1 }],
      ['Maintenance', 'alarm', { action: 'DEACTIVATE' }],
      ['Auth', 'authEnable'],
      ['Auth', 'authDisable'],
      ['Auth', 'authStatus'],
      ['Auth', 'userAdd', { name: 'x', password: 'y' }],
      ['Auth', 'userDelete', { name: 'user' }],
      ['Auth', 'userChangePassword', { name: 'user', password: 'y' }],
      ['Auth', 'userGrantRole', { user: 'user', role: 'root' }],
      ['Auth', 'userRevokeRole', { name: 'user', role: 'some' }],
      ['Auth', 'userList'],
      ['Auth', 'userGet', { name: 'root' }],
      ['Auth', 'roleAdd', { name: 'x' }],
      ['Auth', 'roleDelete', { role: 'some' }],
      ['Auth', 'roleGet', { role: 'other' }],
      ['Auth', 'roleList'],
      ['Auth', 'roleGrantPermission', { name: 'some', perm: { key: bytes('z') } }],
      ['Auth', 'roleRevokePermission', { role: 'some', key: bytes('a') }],
    ];
    for (const call of calls) {
      expect([...call, await anonymous.refusal(...call)]).toEqual([...call, nobody]);
      expect([...call, await user.refusal(...call)]).toEqual([...call, denied]);
    }
    const everyone: readonly Parameters<Client['ask']>[] = [
      ['Cluster', 'memberList'],
      ['Maintenance', 'status'],
      ['Maintenance', 'alarm', { action: 'GET' }],
      ['Auth', 'userGet', { name: 'user' }],
      ['Auth', 'roleGet', { role: 'some' }],
    ];
    for (const call of everyone) {
      expect([...call, await anonymous.refusal(...call)]).toEqual([...call, nobody]);
      expect([...call, await user.refusal(...call)]).toEqual([...call, undefined]);
    }
    expect(await root.refusal('Auth', 'userList')).toBeUndefined();
    expect(await root.ask('Auth', 'authStatus')).toMatchObject({ enabled: true, authRevision: '9' });
    const stream = (user.service('Maintenance') as unknown as MaintenanceClient).snapshot({}, user.metadata);
    const details = await new Promise((resolve) => {
      stream.on('error', (error: ServiceError) => resolve(error.details));
      stream.resume();
    });
    expect(details).toBe(denied);
  });
});

describe('watches', () => {
  it('are created by whoever may read their range, and go on when that ends', async () => {
    const { root, user, anonymous } = await enabled();
    const permitted = user.watch({ key: bytes('a'), rangeEnd: bytes('b') });
    await until('the watch', () => permitted.received.length === 1);
    expect(permitted.received[0]).toMatchObject({ created: true, canceled: false, watchId: '0' });
    for (const create of [{ key: bytes('w') }, { key: bytes('a'), rangeEnd: bytes('\0') }, {}]) {
      const refused = user.watch(create);
      await until('the refusal', () => refused.received.length === 1);
      expect(refused.received[0]).toMatchObject({
        created: true,
        canceled: true,
        watchId: '-1',
        cancelReason: `rpc error: code = PermissionDenied desc = ${denied}`,
      });
    }
    const unknown = anonymous.watch({ key: bytes('a') });
    await until('the refusal', () => unknown.received.length === 1);
    expect(unknown.received[0]?.cancelReason).toBe(`rpc error: code = InvalidArgument desc = ${nobody}`);
    await root.ask('Auth', 'userRevokeRole', { name: 'user', role: 'some' });
    expect(await user.refusal('KV', 'range', { key: bytes('a') })).toBe(denied);
    await root.ask('KV', 'put', put('a'));
    await until('the event', () => permitted.received.some(({ events }) => events.length === 1));
  });
});

describe('tokens', () => {
  it('end with the password, the user, and authentication', async () => {
    const { serving, root, user } = await enabled();
    const read = (who: Client) => who.refusal('KV', 'range', { key: bytes('a') });
    const invalid = 'etcdserver: invalid auth token';
    await root.ask('Auth', 'userChangePassword', { name: 'user', password: 'new' });
    expect(await user.ask('KV', 'range', { key: bytes('a') })).toEqual({
      code: status.UNAUTHENTICATED,
      details: invalid,
    });
    expect(await new Client(serving).refusal('Auth', 'authenticate', { name: 'user', password: 'pw' })).toBe(
      'etcdserver: authentication failed, invalid user ID or password',
    );
    await user.login('user', 'new');
    expect(await read(user)).toBeUndefined();
    await root.ask('Auth', 'userDelete', { name: 'user' });
    expect(await read(user)).toBe(invalid);
    expect(await root.refusal('Auth', 'authDisable')).toBeUndefined();
    expect(serving.stateMachine.tokens.size).toBe(0);
    expect(await read(user)).toBeUndefined();
    expect(await root.refusal('Auth', 'authEnable')).toBeUndefined();
    expect(await read(root)).toBe(invalid);
  });

  it('are taken from either field, and never guessed', async () => {
    const { user, anonymous } = await enabled();
    const token = String(user.metadata.get('token')[0]);
    anonymous.metadata.set('authorization', `Bearer ${token}`);
    expect(await anonymous.refusal('KV', 'range', { key: bytes('a') })).toBeUndefined();
    anonymous.metadata.set('authorization', `${token}x`);
    expect(await anonymous.refusal('KV', 'range', { key: bytes('a') })).toBe(
      'etcdserver: invalid auth token',
    );
    anonymous.metadata.set('authorization', '');
    expect(await anonymous.refusal('KV', 'range', { key: bytes('a') })).toBe(
      'etcdserver: invalid auth token',
    );
  });

  it('are not given to users without a password, unknown users, or for long passwords', async () => {
    const { root, anonymous } = await enabled();
    await root.ask('Auth', 'userAdd', { name: 'bare', options: { noPassword: true } });
    const failed = 'etcdserver: authentication failed, invalid user ID or password';
    for (const name of ['bare', 'unknown', 'root', ''])
      expect(await anonymous.refusal('Auth', 'authenticate', { name, password: '' })).toBe(failed);
    expect(
      await anonymous.refusal('Auth', 'authenticate', { name: 'root', password: 'x'.repeat(5_000) }),
    ).toBe('etcdserver: password is too long');
  });

  it('cost the hostile a place in a short queue', async () => {
    const { anonymous, user } = await enabled();
    const attempts = Array.from({ length: 100 }, () =>
      anonymous.refusal('Auth', 'authenticate', { name: 'root', password: 'guess' }),
    );
    expect(await user.refusal('KV', 'put', put('a'))).toBeUndefined();
    const answers = await Promise.all(attempts);
    expect(new Set(answers)).toEqual(
      new Set([
        'etcdserver: authentication failed, invalid user ID or password',
        'etcdserver: too many requests',
      ]),
    );
    expect(answers.filter((answer) => answer === 'etcdserver: too many requests').length).toBeGreaterThan(50);
  });
});

describe('a request that was let pass before permissions changed', () => {
  it('is decided anew on the state that it meets', async () => {
    const { serving, root, user } = await enabled();
    const { replica } = serving;
    // What is proposed meanwhile waits behind a change of the permissions.
    const propose = replica.propose.bind(replica);
    let held: (() => void) | undefined;
    replica.propose = async (data) => {
      replica.propose = propose;
      await new Promise<void>((resolve) => (held = resolve));
      return propose(data);
    };
    const overtaken = user.refusal('KV', 'put', put('a'));
    await until('the proposal', () => held !== undefined);
    await root.ask('Auth', 'userRevokeRole', { name: 'user', role: 'some' });
    held!();
    expect(await overtaken).toBe(denied);
    expect(await root.ask('KV', 'range', { key: bytes('a') })).toMatchObject({ count: '0' });
  });

  it('is done if it is still permitted, or else refused, when authentication is enabled under it', async () => {
    const { serving, root, anonymous } = await enabled();
    await root.ask('Auth', 'authDisable');
    const { replica } = serving;
    const propose = replica.propose.bind(replica);
    let held: (() => void) | undefined;
    replica.propose = async (data) => {
      replica.propose = propose;
      await new Promise<void>((resolve) => (held = resolve));
      return propose(data);
    };
    const overtaken = anonymous.refusal('KV', 'put', put('a'));
    await until('the proposal', () => held !== undefined);
    await root.ask('Auth', 'authEnable');
    held!();
    expect(await overtaken).toBe(nobody);
  });
});
