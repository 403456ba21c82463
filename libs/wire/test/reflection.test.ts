import { Duplex } from 'node:stream';
import { Server, ServerCredentials, status, type ServiceError } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import { protoRoot } from '@raftsman/proto';
import protobuf from 'protobufjs';
import 'protobufjs/ext/descriptor/index.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  clientCredentials,
  createGrpcServer,
  loadService,
  serviceDefinition,
  wireLimits,
  type GrpcService,
} from '../src/index.js';
import { reflectionServices } from '../src/standard/reflection.js';

interface Response {
  readonly validHost: string;
  readonly originalRequest: object;
  readonly messageResponse: string;
  readonly fileDescriptorResponse?: { readonly fileDescriptorProto: readonly Buffer[] };
  readonly listServicesResponse?: { readonly service: readonly { readonly name: string }[] };
  readonly errorResponse?: { readonly errorCode: number; readonly errorMessage: string };
}

const contracts = {
  'etcd/rpc.proto': ['etcdserverpb', 'KV', 'Watch', 'Lease', 'Cluster', 'Maintenance', 'Auth'],
  'etcd/lock.proto': ['v3lockpb', 'Lock'],
  'etcd/election.proto': ['v3electionpb', 'Election'],
  'raftsman/v1/api.proto': ['raftsman.v1', 'Api'],
  'raftsman/v1/heartbeat.proto': ['raftsman.v1', 'Heartbeats'],
};
const services: readonly GrpcService[] = Object.entries(contracts).flatMap(([protoFile, [scope, ...names]]) =>
  names.map((name) => ({
    protoFile,
    definition: serviceDefinition(protoFile, `${scope}.${name}`),
    implementation: {},
  })),
);
const served = services.map(({ definition }) => Object.values(definition)[0]!.path.split('/')[1]!);
const standard = [
  'grpc.health.v1.Health',
  'grpc.reflection.v1.ServerReflection',
  'grpc.reflection.v1alpha.ServerReflection',
];

const closers: (() => unknown)[] = [];
const ports: Record<string, number> = {};

beforeAll(async () => {
  const theirs = new Server();
  // With `keepCase`: it describes fields by the names that its messages have here. In one call: of several files of a package it describes the first.
  const loaded = loadSync(Object.keys(contracts), { keepCase: true, includeDirs: [protoRoot] });
  new ReflectionService(loaded).addToServer(theirs);
  ports['theirs'] = await new Promise<number>((resolve, reject) =>
    theirs.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    ),
  );
  closers.push(() => theirs.forceShutdown());
  const http = (): void => undefined;
  const odd = { ...services[0]!, protoFile: 'nowhere.proto' };
  const ours = {
    shared: createGrpcServer(services, { http }),
    own: createGrpcServer(services),
    undescribed: createGrpcServer([odd], { http }),
    silent: createGrpcServer(services, { http, reflection: false }),
  };
  for (const [name, server] of Object.entries(ours)) {
    ports[name] = await server.listen('127.0.0.1:0', 'insecure');
    closers.push(() => server.close(0));
  }
});
afterAll(async () => {
  for (const close of closers.reverse()) await close();
});

type Stream = Duplex & { cancel(): void };

/** What a server answers to these requests of one call, which the contract's own messages read and write. */
function ask(server: string, requests: readonly object[], version = 'v1'): Promise<readonly Response[]> {
  const name = `grpc.reflection.${version}.ServerReflection`;
  const Client = loadService(`grpc/reflection/${version}/reflection.proto`, name);
  const client = new Client(`127.0.0.1:${ports[server]}`, clientCredentials('insecure'));
  const stream = client['ServerReflectionInfo']!({ deadline: Date.now() + 60_000 }) as Stream;
  const responses: Response[] = [];
  stream.on('data', (response: Response) => responses.push(response));
  for (const request of requests) stream.write(request);
  stream.end();
  return new Promise<readonly Response[]>((resolve, reject) => {
    stream.on('error', reject);
    stream.on('end', () => resolve(responses));
  }).finally(() => client.close());
}

/** The files of an answer as protobufjs understands them. */
function treeOf(responses: readonly Response[]): protobuf.Root {
  const files = new Map(
    responses
      .flatMap(({ fileDescriptorResponse }) => fileDescriptorResponse?.fileDescriptorProto ?? [])
      .map((bytes) => [bytes.toString('latin1'), bytes] as const),
  );
  const set = protobuf.Writer.create();
  for (const bytes of files.values()) set.uint32(0x0a).bytes(bytes);
  return (protobuf.Root as unknown as { fromDescriptor(set: Uint8Array): protobuf.Root }).fromDescriptor(
    set.finish(),
  );
}

/** Full names of all that is declared below, and what of it clients must know. */
function* declarations(scope: protobuf.NamespaceBase): Generator<readonly [name: string, shape: unknown]> {
  for (const each of scope.nestedArray) {
    const name = each.fullName.slice(1);
    if (each instanceof protobuf.Type) {
      yield [name, 'message'];
      for (const field of each.fieldsArray) {
        const { id, repeated, resolvedType, type, partOf } = field.resolve();
        yield [`${name}.${field.name}`, [id, repeated, resolvedType?.fullName ?? type, partOf?.name]];
      }
      for (const oneof of each.oneofsArray) yield [`${name}.${oneof.name}`, 'oneof'];
    } else if (each instanceof protobuf.Enum) {
      yield [name, each.values];
      for (const value of Object.keys(each.values)) yield [`${name}.${value}`, 'value'];
    } else if (each instanceof protobuf.Service) {
      yield [name, 'service'];
      for (const method of each.methodsArray) {
        method.resolve();
        const { requestStream, responseStream, resolvedRequestType, resolvedResponseType } = method;
        const types = [resolvedRequestType?.fullName, resolvedResponseType?.fullName];
        yield [`${name}.${method.name}`, [...types, requestStream === true, responseStream === true]];
      }
    }
    if (each instanceof protobuf.Namespace) yield* declarations(each);
  }
}

const symbolsOf = (names: readonly string[]) =>
  names.map((fileContainingSymbol) => ({ fileContainingSymbol }));

describe.each(['shared', 'own'])('reflection of a server on %s ports', (server) => {
  it('lists what is served, itself and health too', async () => {
    const [response] = await ask(server, [{ listServices: '*' }]);
    const names = response!.listServicesResponse!.service.map(({ name }) => name);
    expect(names).toEqual([...served, ...standard].toSorted());
    const [theirs] = await ask('theirs', [{ listServices: '*' }]);
    expect(names).toEqual(
      expect.arrayContaining(theirs!.listServicesResponse!.service.map(({ name }) => name)),
    );
  });

  it("describes what grpc-js' own service describes, by every name of it", async () => {
    const theirs = [...declarations(treeOf(await ask('theirs', symbolsOf(served))))];
    const ours = new Map(declarations(treeOf(await ask(server, symbolsOf(served)))));
    expect(theirs.length).toBeGreaterThan(400);
    expect(ours).toEqual(new Map(theirs));
    const names = theirs.map(([name]) => name);
    const responses = await ask(server, symbolsOf(names));
    const kinds = responses.map(({ messageResponse }, at) => [names[at], messageResponse]);
    expect(kinds.filter(([, kind]) => kind !== 'fileDescriptorResponse')).toEqual([]);
    expect(responses).toHaveLength(names.length);
  });

  it("finds an enum's values beside it, as the language has them", async () => {
    const [response] = await ask(server, symbolsOf(['etcdserverpb.NOSPACE']));
    expect(treeOf([response!]).lookupEnum('etcdserverpb.AlarmType').values).toHaveProperty('NOSPACE');
  });

  it.each(['v1', 'v1alpha'])('describes itself and health (%s)', async (version) => {
    const tree = treeOf(await ask(server, symbolsOf(standard), version));
    for (const name of standard) expect(tree.lookupService(name).methodsArray).not.toHaveLength(0);
    const statuses = tree.lookupType('grpc.health.v1.HealthListResponse').fields['statuses']!;
    expect(statuses.resolve().resolvedType?.fullName).toContain('StatusesEntry');
  });

  it('answers a file with all that it imports, itself first', async () => {
    const [response] = await ask(server, [{ fileByFilename: 'etcd/lock.proto', host: 'here' }]);
    const names = response!.fileDescriptorResponse!.fileDescriptorProto.map((bytes) =>
      bytes.subarray(2, 2 + bytes[1]!).toString(),
    );
    expect(names).toEqual(['etcd/lock.proto', 'etcd/rpc.proto', 'etcd/kv.proto', 'etcd/auth.proto']);
    expect(response).toMatchObject({ validHost: 'here', originalRequest: { host: 'here' } });
  });

  it.each([
    { fileByFilename: 'nowhere.proto' },
    { fileByFilename: '' },
    { fileContainingSymbol: 'etcdserverpb.Nothing' },
    { fileContainingSymbol: 'etcdserverpb' },
    { fileContainingSymbol: 'etcdserverpb.' },
    { fileContainingSymbol: 'etcdserverpb.KV.Range.more' },
    { fileContainingSymbol: 'etcdserverpb.KV.range' },
    { fileContainingSymbol: '.etcdserverpb.KV' },
    { fileContainingSymbol: 'KV' },
    { fileContainingSymbol: '' },
    { fileContainingExtension: { containingType: 'etcdserverpb.PutRequest', extensionNumber: 100 } },
    { allExtensionNumbersOfType: 'etcdserverpb.PutRequest' },
    { allExtensionNumbersOfType: 'nothing.known' },
  ])("answers what is not there as grpc-js' own service does: %j", async (request) => {
    const [ours] = await ask(server, [request]);
    const [theirs] = await ask('theirs', [request]);
    expect(ours).toEqual(theirs);
    expect(ours!.errorResponse!.errorCode).toBe(status.NOT_FOUND);
  });

  it('answers a request that asks nothing, and goes on', async () => {
    const responses = await ask(server, [{ host: 'a' }, { listServices: '' }]);
    expect(responses[0]!.errorResponse!.errorCode).toBe(status.UNIMPLEMENTED);
    expect(responses[1]!.messageResponse).toBe('listServicesResponse');
  });

  it('ends a call whose request is too large', async () => {
    const fileContainingSymbol = 'x'.repeat(wireLimits.standardRequestBytesMax);
    const failed = ask(server, [{ listServices: '' }, { fileContainingSymbol }, { listServices: '' }]);
    await expect(failed).rejects.toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
      details: 'grpc: received message larger than max (4096)',
    } satisfies Partial<ServiceError>);
    expect(await ask(server, [{ listServices: '' }])).toHaveLength(1);
  });
});

describe('reflection', () => {
  it('says that a contract has no descriptors', async () => {
    const failed = ask('undescribed', [{ listServices: '' }]);
    await expect(failed).rejects.toMatchObject({
      code: status.INTERNAL,
      details: expect.stringContaining('nowhere.proto is not described') as string,
    });
  });

  it('is not there where it is switched off', async () => {
    await expect(ask('silent', [{ listServices: '' }])).rejects.toMatchObject({ code: status.UNIMPLEMENTED });
  });

  /** A client's side of a call that takes an answer when it is told to. */
  function openCall() {
    const [v1] = reflectionServices(services);
    const taken: (() => void)[] = [];
    const written: Buffer[] = [];
    const call = new Duplex({
      objectMode: true,
      read: () => undefined,
      write: (bytes: Buffer, _encoding, done) => {
        written.push(bytes);
        taken.push(done);
      },
    });
    (v1!.implementation['ServerReflectionInfo'] as unknown as (call: Duplex) => void)(call);
    return { call, taken, written };
  }

  it('takes no request before the answer to the one before it has gone', async () => {
    const { call, taken, written } = openCall();
    for (let count = 0; count < 10; count += 1) call.push(Buffer.from([0x3a, 0]));
    for (let count = 1; count <= 3; count += 1) {
      await expect.poll(() => written.length, { timeout: 30_000 }).toBe(count);
      expect(call.writableLength).toBe(1);
      expect(call.readableLength).toBe(10 - count);
      taken[count - 1]!();
    }
    call.destroy();
  });

  it('answers one request of a call in a turn of the event loop', async () => {
    const { call, taken, written } = openCall();
    for (let count = 0; count < 10; count += 1) call.push(Buffer.from([0x3a, 0]));
    await expect.poll(() => written.length, { timeout: 30_000 }).toBe(1);
    for (let count = 1; count < 10; count += 1) {
      taken[count - 1]!();
      // All that follows in this turn, however many promises and ticks that takes.
      for (let hop = 0; hop < 100; hop += 1) await new Promise<void>((resolve) => process.nextTick(resolve));
      expect(written).toHaveLength(count);
      await expect.poll(() => written.length, { timeout: 30_000 }).toBe(count + 1);
    }
    call.destroy();
  });

  it.each([
    ['a field that ends too early', [0x22, 5, 0x61]],
    ['an extension that ends too early', [0x2a, 2, 0x0a, 5]],
    ['a number that never ends', Array<number>(20).fill(0xff)],
  ])('ends a call whose request is malformed: %s', async (_what, bytes) => {
    const { call } = openCall();
    const failed = new Promise((resolve) => call.once('error', resolve));
    call.push(Buffer.from(bytes));
    expect(await failed).toMatchObject({
      code: status.INTERNAL,
      details: expect.stringContaining('Error deserializing request') as string,
    });
    call.destroy();
  });
});
