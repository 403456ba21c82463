import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MethodDefinition } from '@grpc/grpc-js';
import { loadSync, type PackageDefinition } from '@grpc/proto-loader';
import { protoRoot } from '@raftsman/proto';
import { loadService, serviceDefinition } from '@raftsman/wire';
import { describe, expect, it } from 'vitest';

/** All services of our contracts: file and full name. */
const services = readdirSync(protoRoot, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.proto') && !file.includes('node_modules'))
  .flatMap((file) => {
    const text = readFileSync(join(protoRoot, file), 'utf8');
    const name = /^package ([\w.]+);/m.exec(text)?.[1];
    return [...text.matchAll(/^service (\w+)/gm)].map(([, service]) => [file, `${name}.${service}`] as const);
  });

/** The contracts with the options of libs/wire/src/load-proto.ts. */
const loadProto = (file: string): PackageDefinition =>
  loadSync(file, { longs: String, enums: String, defaults: true, oneofs: true, includeDirs: [protoRoot] });

type Methods = Readonly<Record<string, MethodDefinition<object, object>>>;

const shapeOf = (methods: Methods) =>
  Object.entries(methods).map(([name, { path, originalName, requestStream, responseStream }]) => ({
    name,
    path,
    originalName,
    requestStream,
    responseStream,
  }));

describe('the definition of a service', () => {
  it('is what all of ours have', () => expect(services.length).toBeGreaterThan(10));

  it.each(services)("is proto-loader's: %s, %s", (file, name) => {
    expect(shapeOf(serviceDefinition(file, name))).toEqual(shapeOf(loadProto(file)[name] as Methods));
  });

  it.each([
    { key: Buffer.from('a'), value: Buffer.from('b'), lease: '9007199254740993', prevKv: true },
    { key: 'a2V5', lease: -1 },
    {},
  ])("has messages as proto-loader's: %j", (message) => {
    const { Put: ours } = serviceDefinition('etcd/rpc.proto', 'etcdserverpb.KV') as Methods;
    const { Put: theirs } = loadProto('etcd/rpc.proto')['etcdserverpb.KV'] as Methods;
    const bytes = theirs!.requestSerialize(message);
    expect(ours!.requestSerialize(message)).toEqual(bytes);
    expect(ours!.requestDeserialize(bytes)).toEqual(theirs!.requestDeserialize(bytes));
    expect(ours!.responseDeserialize(Buffer.alloc(0))).toEqual(theirs!.responseDeserialize(Buffer.alloc(0)));
  });

  it('is the same object each time, and the one that its clients have', () => {
    const first = serviceDefinition('etcd/lock.proto', 'v3lockpb.Lock');
    expect(serviceDefinition('etcd/lock.proto', 'v3lockpb.Lock')).toBe(first);
    expect(loadService('etcd/lock.proto', 'v3lockpb.Lock').service).toBe(first);
  });

  it('is not there for what is no service', () => {
    expect(() => serviceDefinition('etcd/rpc.proto', 'etcdserverpb.PutRequest')).toThrow(TypeError);
    expect(() => serviceDefinition('etcd/rpc.proto', 'etcdserverpb.Nothing')).toThrow(TypeError);
  });
});
