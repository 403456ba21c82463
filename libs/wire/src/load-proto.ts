import { join } from 'node:path';
import type { ServiceClientConstructor, ServiceDefinition } from '@grpc/grpc-js';
import { protoRoot } from '@raftsman/proto';
import protobuf, { type Root } from 'protobufjs';
import { grpcJs } from './grpc.js';
import { definitionOf } from './service-definition.js';

/** How messages look in TypeScript; proto/generate.sh makes the types with the same options. */
const options = { longs: String, enums: String, defaults: true, oneofs: true } as const;

/** All contracts that were asked for: what several of them import is there once. */
const contracts = newRoot();
const definitions = new Map<string, ServiceDefinition>();

/** A service by its full name, `etcdserverpb.KV`, for `server.addService`. `file` is relative to proto/. */
export function serviceDefinition(file: string, fullName: string): ServiceDefinition {
  let definition = definitions.get(fullName);
  if (definition === undefined) {
    contracts.loadSync(file).resolveAll();
    const service = contracts.lookup(fullName);
    if (!(service instanceof protobuf.Service))
      throw new TypeError(`proto/${file} has no service ${fullName}`);
    definition = definitionOf(service, options);
    definitions.set(fullName, definition);
  }
  return definition;
}

/** The client constructor (and, as `.service`, the definition) of a service. */
export function loadService(file: string, fullName: string): ServiceClientConstructor {
  return grpcJs().makeGenericClientConstructor(serviceDefinition(file, fullName), fullName);
}

const types = new Map<string, Root>();

/** The messages and services of a contract, with the names that its text has (`prev_kv`). 64-bit numbers are Longs. Loaded once a process. */
export function loadTypes(file: string): Root {
  let root = types.get(file);
  if (root === undefined) {
    root = newRoot();
    root.loadSync(file, { keepCase: true }).resolveAll();
    types.set(file, root);
  }
  return root;
}

function newRoot(): Root {
  const root = new protobuf.Root();
  root.resolvePath = (_origin, target) => join(protoRoot, target);
  return root;
}
