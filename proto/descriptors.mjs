// Prints, as one google.protobuf.FileDescriptorSet, the contracts that servers describe by reflection: what `protoc --descriptor_set_out` makes of
// them. What they do not use (options, extensions, groups, reserved numbers, imports from elsewhere) is refused, so that nothing is left out unseen.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';

const protoRoot = dirname(fileURLToPath(import.meta.url));
const described = ['etcd', 'grpc', 'raftsman'];
const files = described
  .flatMap((folder) =>
    readdirSync(join(protoRoot, folder), { recursive: true, encoding: 'utf8' }).map(
      (file) => `${folder}/${file}`,
    ),
  )
  .filter((file) => file.endsWith('.proto'))
  .toSorted((a, b) => (a < b ? -1 : 1));

/** One tree; each object knows its file. */
const root = new protobuf.Root();
const parsed = files.map((name) => {
  const text = readFileSync(join(protoRoot, name), 'utf8');
  assert.match(text, /^syntax = "proto3";$/m, `${name}: proto3 is what is described`);
  assert.doesNotMatch(text, /^\s*(extend|extensions|group|option|reserved)\b/m, `${name}: describe it first`);
  protobuf.parse.filename = name;
  const { package: packageName, imports = [] } = protobuf.parse(text, root, { keepCase: true });
  for (const each of imports) assert(files.includes(each), `${name}: ${each} is not described`);
  return { name, packageName, dependency: imports };
});
root.resolveAll();

/** In the order of FieldDescriptorProto.Type, which counts from 1. */
const types =
  'double float int64 uint64 int32 fixed64 fixed32 bool string group message bytes uint32 enum sfixed32 sfixed64 sint32 sint64';
const numberOf = (type) => types.split(' ').indexOf(type) + 1;
const typeOf = (name, resolved) => {
  if (resolved === null) return { type: numberOf(name) };
  return {
    type: numberOf(resolved instanceof protobuf.Enum ? 'enum' : 'message'),
    typeName: resolved.fullName,
  };
};

const joined = (name) => name.replace(/_+(.?)/g, (_, letter) => letter.toUpperCase());
const capital = (name) => name.slice(0, 1).toUpperCase() + name.slice(1);
const entryName = (field) => `${capital(joined(field.name))}Entry`;
const isOptional = (oneof) => oneof.fieldsArray.every((field) => field.options?.proto3_optional === true);

/** protoc's order: those that `optional` makes come last. */
const oneofsOf = (type) => [
  ...type.oneofsArray.filter((oneof) => !isOptional(oneof)),
  ...type.oneofsArray.filter(isOptional),
];

function fieldOf(field, oneofs) {
  const options = Object.keys(field.options ?? {}).filter((name) => name !== 'proto3_optional');
  assert.deepEqual(options, [], `${field.fullName}: describe its options first`);
  const of = field.map
    ? { type: numberOf('message'), typeName: `${field.parent.fullName}.${entryName(field)}` }
    : typeOf(field.type, field.resolvedType);
  return {
    name: field.name,
    number: field.id,
    label: field.repeated || field.map ? 3 : 1,
    ...of,
    jsonName: joined(field.name),
    ...(field.partOf === null ? {} : { oneofIndex: oneofs.indexOf(field.partOf) }),
    ...(field.options?.proto3_optional === true ? { proto3Optional: true } : {}),
  };
}

const entryOf = (field) => ({
  name: entryName(field),
  field: [
    { name: 'key', number: 1, label: 1, type: numberOf(field.keyType), jsonName: 'key' },
    { name: 'value', number: 2, label: 1, ...typeOf(field.type, field.resolvedType), jsonName: 'value' },
  ],
  options: { mapEntry: true },
});

const enumOf = ({ name, values }) => ({
  name,
  value: Object.entries(values).map(([value, number]) => ({ name: value, number })),
});

function messageOf(type) {
  const oneofs = oneofsOf(type);
  const nested = type.nestedArray;
  return {
    name: type.name,
    field: type.fieldsArray.map((field) => fieldOf(field, oneofs)),
    nestedType: [
      ...nested.filter((each) => each instanceof protobuf.Type).map(messageOf),
      ...type.fieldsArray.filter((field) => field.map).map(entryOf),
    ],
    enumType: nested.filter((each) => each instanceof protobuf.Enum).map(enumOf),
    oneofDecl: oneofs.map(({ name }) => ({ name })),
  };
}

const methodOf = (method) => ({
  name: method.name,
  inputType: method.resolvedRequestType.fullName,
  outputType: method.resolvedResponseType.fullName,
  ...(method.requestStream ? { clientStreaming: true } : {}),
  ...(method.responseStream ? { serverStreaming: true } : {}),
});

const file = parsed.map(({ name, packageName, dependency }) => {
  const declared = root.lookup(packageName).nestedArray.filter(({ filename }) => filename === name);
  const of = (Kind) => declared.filter((each) => each instanceof Kind);
  return {
    name,
    package: packageName,
    dependency,
    messageType: of(protobuf.Type).map(messageOf),
    enumType: of(protobuf.Enum).map(enumOf),
    service: of(protobuf.Service).map((service) => ({
      name: service.name,
      method: service.methodsArray.map(methodOf),
    })),
    syntax: 'proto3',
  };
});

const descriptors = createRequire(import.meta.url)('protobufjs/google/protobuf/descriptor.json');
const FileDescriptorSet = protobuf.Root.fromJSON(descriptors).lookupType('google.protobuf.FileDescriptorSet');
process.stdout.write(FileDescriptorSet.encode(FileDescriptorSet.fromObject({ file })).finish());
