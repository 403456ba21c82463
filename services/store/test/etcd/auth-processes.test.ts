import {
  credentials,
  Metadata,
  type Client,
  type ClientDuplexStream,
  type ServiceError,
} from '@grpc/grpc-js';
import { loadService } from '@raftsman/wire';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { build, StoreProcesses } from '../replica-process-fixture.js';

beforeAll(build, 120_000);

type Answer = Record<string, unknown> & { readonly details?: string };
type Unary = (
  request: object,
  metadata: Metadata,
  done: (error: ServiceError | null, answer?: object) => void,
) => void;

const bytes = (text: string): Buffer => Buffer.from(text);
const nobody = 'etcdserver: user name is empty';

/** Members of a cluster with users, asked with or without a token. */
class Users {
  readonly stores: StoreProcesses;
  readonly #clients = new Map<string, Client>();

  constructor(stores: StoreProcesses) {
    this.stores = stores;
    onTestFinished(() => {
      for (const client of this.#clients.values()) client.close();
    });
  }

  client(name: string, service: string): Client {
    const key = `${name} ${service}`;
    let client = this.#clients.get(key);
    if (client === undefined) {
      const target = this.stores.clients(name).kv.getChannel().getTarget();
      const options = {
        'grpc.initial_reconnect_backoff_ms': 50,
        'grpc.max_reconnect_backoff_ms': 200,
      };
      client = new (loadService('etcd/rpc.proto', `etcdserverpb.${service}`))(
        target,
        credentials.createInsecure(),
        options,
      );
      this.#clients.set(key, client);
    }
    return client;
  }

  /** The answer, or { details } of the refusal. */
  ask(name: string, token: string, method: string, request: object): Promise<Answer> {
    const [service = '', call = ''] = method.split('/');
    const client = this.client(name, service) as unknown as Record<string, Unary>;
    return new Promise((resolve) => {
      client[call]!(request, metadata(token), (error, answer) =>
        resolve((error ? { details: error.details } : answer) as Answer),
      );
    });
  }

  async does(name: string, token: string, method: string, request: object): Promise<Answer> {
    const answer = await this.ask(name, token, method, request);
    expect({ method, details: answer.details }).toEqual({ method, details: undefined });
    return answer;
  }

  async login(name: string, user: string, password: string): Promise<string> {
    return (await this.does(name, '', 'Auth/authenticate', { name: user, password }))['token'] as string;
  }

  put(name: string, token: string, key: string): Promise<Answer> {
    return this.ask(name, token, 'KV/put', { key: bytes(key), value: bytes('x') });
  }

  /** root and `user`, whose role `app` may do nothing yet; authentication is on. */
  async enable(name: string): Promise<void> {
    for (const [method, request] of [
      ['userAdd', { name: 'root', password: 'secret' }],
      ['userGrantRole', { user: 'root', role: 'root' }],
      ['userAdd', { name: 'user', password: 'pw' }],
      ['roleAdd', { name: 'app' }],
      ['userGrantRole', { user: 'user', role: 'app' }],
      ['authEnable', {}],
    ] as const)
      await this.does(name, '', `Auth/${method}`, request);
  }

  async grant(name: string, token: string, key: string, rangeEnd: string): Promise<void> {
    const perm = { permType: 'READWRITE', key: bytes(key), rangeEnd: bytes(rangeEnd) };
    await this.does(name, token, 'Auth/roleGrantPermission', { name: 'app', perm });
  }

  renew(name: string, token: string, ID: number): Promise<string> {
    type KeepAlive = { LeaseKeepAlive(metadata: Metadata): ClientDuplexStream<object, object> };
    const stream = (this.client(name, 'Lease') as unknown as KeepAlive).LeaseKeepAlive(metadata(token));
    return new Promise((resolve) => {
      stream.on('data', ({ TTL }: { TTL: string }) => {
        resolve(TTL);
        stream.end();
      });
      stream.on('error', ({ details }: ServiceError) => resolve(details));
      stream.write({ ID });
    });
  }
}

function metadata(token: string): Metadata {
  // A member that begins again is no answer.
  const sent = new Metadata({ waitForReady: true });
  if (token !== '') sent.set('token', token);
  return sent;
}

describe('users of three members', { timeout: 120_000 }, () => {
  test('are known to all at once, and so are their tokens and what they may do', async () => {
    const stores = await StoreProcesses.create();
    stores.startAll();
    await stores.leader();
    const users = new Users(stores);
    const [one, two, three] = stores.names as [string, string, string];
    await users.enable(one);
    const root = await users.login(one, 'root', 'secret');
    for (const name of stores.names) {
      expect((await users.put(name, '', 'k')).details).toBe(nobody);
      expect((await users.put(name, root, 'k')).details).toBeUndefined();
      const token = await users.login(name, 'user', 'pw');
      expect((await users.put(two, token, name)).details).toBe('etcdserver: permission denied');
      await users.grant(three, root, name, '');
      for (const other of stores.names)
        expect({ name, other, ...(await users.put(other, token, name)) }).toMatchObject({ prevKv: null });
    }
    const token = await users.login(two, 'user', 'pw');
    await users.does(one, token, 'Lease/leaseGrant', { ID: 7, TTL: 60 });
    await users.does(one, root, 'Lease/leaseGrant', { ID: 8, TTL: 60 });
    await users.does(one, root, 'KV/put', { key: bytes('of root'), lease: 8 });
    for (const name of stores.names) {
      expect(await users.renew(name, token, 7)).toBe('60');
      expect(await users.renew(name, token, 8)).toBe('etcdserver: permission denied');
      expect(await users.renew(name, '', 7)).toBe(nobody);
      const ask = { ID: 8, keys: true };
      expect((await users.ask(name, token, 'Lease/leaseTimeToLive', ask)).details).toBe(
        'etcdserver: permission denied',
      );
      expect((await users.does(name, root, 'Lease/leaseTimeToLive', ask))['keys']).toEqual([
        bytes('of root'),
      ]);
    }
  });

  test('outlive their leader, a restart and a log that was cut', async () => {
    const stores = await StoreProcesses.create(['--snapshot-count=100', '--snapshot-catchup-entries=10']);
    stores.startAll();
    const leader = await stores.leader();
    const others = stores.names.filter((name) => name !== leader);
    const [asked = '', other = ''] = others;
    const users = new Users(stores);
    await users.enable(asked);
    const root = await users.login(asked, 'root', 'secret');
    await users.grant(asked, root, 'a', 'b');
    const token = await users.login(other, 'user', 'pw');
    await stores.kill(leader);
    for (const name of others) {
      expect((await users.put(name, token, 'a')).details).toBeUndefined();
      expect((await users.put(name, token, 'b')).details).toBe('etcdserver: permission denied');
      expect((await users.put(name, '', 'a')).details).toBe(nobody);
    }
    for (let at = 0; at < 300; at += 1) await users.does(asked, root, 'KV/put', { key: bytes(`k${at}`) });
    stores.start(leader);
    await stores.serving(leader);
    expect((await users.put(leader, '', 'a')).details).toBe(nobody);
    // Tokens are memory: this member came back without.
    expect((await users.put(leader, root, 'a')).details).toBe('etcdserver: invalid auth token');
    const again = await users.login(leader, 'user', 'pw');
    expect((await users.put(leader, again, 'a')).details).toBeUndefined();
    expect((await users.put(leader, again, 'b')).details).toBe('etcdserver: permission denied');
    await Promise.all(stores.names.map((name) => stores.kill(name)));
    stores.startAll();
    await Promise.all(stores.names.map((name) => stores.serving(name)));
    const fresh = await users.login(other, 'user', 'pw');
    for (const name of stores.names) {
      expect((await users.put(name, fresh, 'a')).details).toBeUndefined();
      expect((await users.put(name, '', 'a')).details).toBe(nobody);
    }
  });

  // etcd-io/etcd#14571: members that judged by different users and roles came to hold different keys.
  test('may change under their writes: the members stay the same', async () => {
    const stores = await StoreProcesses.create();
    stores.startAll();
    await stores.leader();
    const users = new Users(stores);
    const [one] = stores.names as [string, string, string];
    await users.enable(one);
    const root = await users.login(one, 'root', 'secret');
    const token = await users.login(one, 'user', 'pw');
    let changing = true;
    const answers = new Set<string | undefined>();
    const writing = stores.names.map(async (name) => {
      for (let at = 0; changing; at += 1)
        answers.add((await users.put(name, token, `a${name}${at}`)).details);
    });
    for (let round = 0; round < 40; round += 1) {
      const name = stores.names[round % 3]!;
      await users.grant(name, root, 'a', 'b');
      expect((await users.put(stores.names[(round + 1) % 3]!, token, 'a')).details).toBeUndefined();
      await users.does(name, root, 'Auth/roleRevokePermission', {
        role: 'app',
        key: bytes('a'),
        rangeEnd: bytes('b'),
      });
      const refused = await users.put(stores.names[(round + 2) % 3]!, token, 'a');
      expect(refused.details).toBe('etcdserver: permission denied');
    }
    changing = false;
    await Promise.all(writing);
    answers.delete('etcdserver: revision of auth store is old');
    expect(answers).toEqual(new Set([undefined, 'etcdserver: permission denied']));
    const everything = { key: bytes('\0'), rangeEnd: bytes('\0') };
    const states = await Promise.all(
      stores.names.map(async (name) => [
        (await users.does(name, root, 'KV/range', everything))['kvs'],
        (await users.does(name, root, 'Maintenance/hash', {}))['hash'],
        (await users.does(name, root, 'Auth/authStatus', {}))['authRevision'],
      ]),
    );
    expect(states[1]).toEqual(states[0]);
    expect(states[2]).toEqual(states[0]);
  });
});
