import type { AlarmResponse__Output } from '@raftsman/proto/gen/etcdserverpb/AlarmResponse.js';
import { type MethodDefinition, Client, Metadata, status, type ServiceError } from '@grpc/grpc-js';
import { clientCredentials, serviceDefinition } from '@raftsman/wire';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mutated } from '../../../../test/support/mutated.js';
import { encodeAs, encodeAuthCommand } from '../../src/auth/commands.js';
import { serveSingleMember, type Serving } from '../etcd/single-member.js';

interface Method {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  readonly requestSerialize: (message: object) => Buffer;
}

const services = [
  ...['KV', 'Watch', 'Lease', 'Cluster', 'Maintenance', 'Auth'].map((name) => [
    'rpc',
    `etcdserverpb.${name}`,
  ]),
  ['lock', 'v3lockpb.Lock'],
  ['election', 'v3electionpb.Election'],
] as const;
const methods = services.flatMap(([file, name]): readonly Method[] =>
  Object.values(serviceDefinition(`etcd/${file}.proto`, name!)),
);
/** These wait, by their nature: for a lock, or to be elected. */
const waits = ['/v3lockpb.Lock/Lock', '/v3electionpb.Election/Campaign'];
const unary = methods.filter(
  ({ path, requestStream, responseStream }) => !requestStream && !responseStream && !waits.includes(path),
);

const key = fc.constantFrom('', 'a', 'b', '\0', '\xff').map((text) => Buffer.from(text, 'latin1'));
const number = fc.constantFrom<string | number>(
  0,
  1,
  2,
  5,
  -1,
  2 ** 31,
  '4611686018427387904',
  '9223372036854775807',
  '-9223372036854775808',
);
const enumeration = fc.constantFrom(0, 1, 2, 3, 99, -1, 2 ** 31 - 1);
const range = fc.record({
  key,
  rangeEnd: key,
  limit: number,
  revision: number,
  sortOrder: enumeration,
  sortTarget: enumeration,
  serializable: fc.boolean(),
  keysOnly: fc.boolean(),
  countOnly: fc.boolean(),
  minModRevision: number,
  maxModRevision: number,
  minCreateRevision: number,
  maxCreateRevision: number,
});
const put = fc.record({
  key,
  value: key,
  lease: number,
  prevKv: fc.boolean(),
  ignoreValue: fc.boolean(),
  ignoreLease: fc.boolean(),
});
const deleteRange = fc.record({ key, rangeEnd: key, prevKv: fc.boolean() });
const compare = fc.record({ key, rangeEnd: key, result: enumeration, target: enumeration, version: number });
const op = fc.oneof(
  fc.record({ requestRange: range }),
  fc.record({ requestPut: put }),
  fc.record({ requestDeleteRange: deleteRange }),
  fc.constant({}),
);
const ops = fc.array(op, { maxLength: 3 });
/** Every field name that a request has, with odd values: what a method does not have is left out when it is written. */
const anything = fc.oneof(
  range,
  put,
  fc.record({ compare: fc.array(compare, { maxLength: 2 }), success: ops, failure: ops }),
  fc.record({ ID: number, TTL: number, keys: fc.boolean(), revision: number, physical: fc.boolean() }),
  fc.record({
    action: enumeration,
    alarm: enumeration,
    memberID: number,
    targetID: number,
    version: fc.string(),
    // Good base64 too, for those whose names are bytes.
    name: fc.constantFrom('', 'user', 'root'),
    user: fc.constantFrom('', 'user', 'root'),
    role: fc.constantFrom('', 'user', 'root'),
    perm: fc.record({ permType: enumeration, key, rangeEnd: key }),
    key,
    rangeEnd: key,
    peerURLs: fc.array(fc.constantFrom('', 'x', 'http://127.0.0.1:1'), { maxLength: 3 }),
    // Nobody gets in: what is tried is names, not the hashing of passwords.
    options: fc.constant({ noPassword: true }),
    leader: fc.record({ name: key, key, rev: number, lease: number }),
    lease: number,
  }),
);

describe('any request', () => {
  let serving: Serving;
  let client: Client;
  beforeAll(async () => {
    serving = await serveSingleMember();
    client = new Client(`127.0.0.1:${serving.port}`, clientCredentials('insecure'));
  });
  afterAll(async () => {
    client.close();
    await serving.close();
  });

  const same = (bytes: Buffer): Buffer => bytes;
  function send(path: string, bytes: Buffer): Promise<ServiceError | null> {
    const options = { deadline: Date.now() + 20_000 };
    return new Promise((resolve) => {
      client.makeUnaryRequest(path, same, same, bytes, new Metadata(), options, (error) => resolve(error));
    });
  }

  /** Ours to answer for: a request that the member could not cope with. */
  const ownFault = [status.DEADLINE_EXCEEDED, status.DATA_LOSS, status.ABORTED, status.CANCELLED];
  /** Whoever raises this alarm by a request, as etcd lets them, has all others refused until it is disarmed. */
  const corruptLine = 'etcdserver: corrupt cluster';

  /** Takes back what a request may do to all others: switch authentication on, once there is a root with its role, or raise an alarm. */
  async function disarm(): Promise<void> {
    const { enabled, revision } = serving.stateMachine.auth;
    // In the name of root, who has no password to come in with.
    const disable = encodeAs({ user: 'root', revision }, encodeAuthCommand({ kind: 'disable' }));
    if (enabled) await serving.replica.propose(disable);
    expect(serving.stateMachine.auth.enabled).toBe(false);
    const method = unary.find(({ path }) => path === '/etcdserverpb.Maintenance/Alarm') as MethodDefinition<
      object,
      AlarmResponse__Output
    >;
    const ask = (request: object): Promise<AlarmResponse__Output> =>
      new Promise((resolve, reject) => {
        const { path, requestSerialize, responseDeserialize } = method;
        client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, (error, answer) =>
          error ? reject(error) : resolve(answer!),
        );
      });
    const { alarms } = await ask({ action: 'GET' });
    for (const { memberID, alarm } of alarms) await ask({ action: 'DEACTIVATE', memberID, alarm });
    expect((await ask({ action: 'GET' })).alarms).toEqual([]);
  }

  /** Bytes that are no message are an internal error, as with every gRPC server; nothing else is, and no slip of ours shows. */
  function isExplained(code: status, details: string): boolean {
    if (code === status.INTERNAL) return /deserializ|request message|parsing/i.test(details);
    return code !== status.UNKNOWN || !/TypeError|RangeError|undefined/.test(details);
  }

  it('is answered or refused by every unary method, however odd or broken it is', async () => {
    const request = fc
      .tuple(fc.constantFrom(...unary), anything)
      .map(([method, message]) => ({ method, bytes: method.requestSerialize(message) }));
    const broken = fc
      .tuple(request, fc.nat())
      .chain(([{ method, bytes }]) => mutated(fc.constant(bytes)).map((each) => ({ method, bytes: each })));
    const counts = new Map<number, number>();
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(request, broken), { minLength: 8, maxLength: 8 }), async (batch) => {
        const answers = await Promise.all(batch.map(({ method, bytes }) => send(method.path, bytes)));
        for (const [at, error] of answers.entries()) {
          const code = error?.code ?? status.OK;
          counts.set(code, (counts.get(code) ?? 0) + 1);
          if (error?.details === corruptLine) continue;
          expect(ownFault, `${batch[at]!.method.path}: ${error?.details}`).not.toContain(code);
          expect(
            isExplained(code, error?.details ?? ''),
            `${batch[at]!.method.path}: ${error?.details}`,
          ).toBe(true);
        }
        await disarm();
      }),
      { numRuns: 100 },
    );
    expect(counts.get(status.OK)).toBeGreaterThan(50);
    expect(counts.get(status.INVALID_ARGUMENT)).toBeGreaterThan(20);
    // The state that is left is one that another member can take over.
    const rows = [...serving.stateMachine.rows()];
    expect(rows.length).toBeGreaterThan(0);
    expect(await send('/etcdserverpb.KV/Range', Buffer.of(0x0a, 1, 0x61))).toBeNull();
  }, 120_000);
});
