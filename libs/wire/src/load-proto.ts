import { join } from 'node:path';
import {
  loadPackageDefinition,
  type GrpcObject,
  type ServiceClientConstructor,
  type ServiceDefinition,
} from '@grpc/grpc-js';
import { loadSync, type Options, type PackageDefinition } from '@grpc/proto-loader';
import { protoRoot } from '@raftsman/proto';
import protobuf, { type Root } from 'protobufjs';

/** How messages look in TypeScript; proto/generate.sh makes the types with the same options. */
const options: Options = {
  includeDirs: [protoRoot],
  longs: String,
  enums: String,
  defaults: true,
  oneofs: true,
};

const loaded = new Map<string, PackageDefinition>();

/** Loads one contract once a process. `file` is relative to proto/: `raftsman/v1/api.proto`. */
export function loadProto(file: string): PackageDefinition {
  let definition = loaded.get(file);
  if (definition === undefined) {
    definition = loadSync(file, options);
    loaded.set(file, definition);
  }
  return definition;
}

/** The client constructor (and, as `.service`, the definition) of a service by its full name: `etcdserverpb.KV`. */
export function loadService(file: string, fullName: string): ServiceClientConstructor {
  let at: GrpcObject | ServiceClientConstructor = loadPackageDefinition(loadProto(file));
  for (const part of fullName.split('.')) {
    const next: unknown = (at as GrpcObject)[part];
    if (next === undefined) throw new TypeError(`proto/${file} has no ${fullName}`);
    at = next as GrpcObject | ServiceClientConstructor;
  }
  if (typeof at !== 'function') throw new TypeError(`${fullName} in proto/${file} is no service`);
  return at;
}

/** The definition alone, for `server.addService`. */
export function serviceDefinition(file: string, fullName: string): ServiceDefinition {
  return loadService(file, fullName).service;
}

const types = new Map<string, Root>();

/** The messages and services of a contract, with the names that its text has (`prev_kv`). 64-bit numbers are Longs. Loaded once a process. */
export function loadTypes(file: string): Root {
  let root = types.get(file);
  if (root === undefined) {
    root = new protobuf.Root();
    root.resolvePath = (_origin, target) => join(protoRoot, target);
    root.loadSync(file, { keepCase: true }).resolveAll();
    types.set(file, root);
  }
  return root;
}
