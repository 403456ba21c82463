import assert from 'node:assert/strict';
import protobuf, { type Reader } from 'protobufjs';

/** A google.protobuf.FileDescriptorProto, encoded. */
interface DescribedFile {
  readonly name: string;
  readonly packageName: string;
  readonly imports: readonly string[];
  readonly bytes: Buffer;
}

/**
 * What can be declared within a message of google/protobuf/descriptor.proto: its fields that hold something with a name, whose own field 1 that is.
 * Fields come in the order of their numbers.
 */
type Kind = { readonly [field: number]: Kind };
const leaf: Kind = {};
const enumeration: Kind = { 2: leaf };
const service: Kind = { 2: leaf };
const message: { [field: number]: Kind } = { 2: leaf, 4: enumeration, 8: leaf };
message[3] = message;
const file: Kind = { 4: message, 5: enumeration, 6: service };

const nameTag = 0x0a;
const packageTag = 0x12;
const importTag = 0x1a;

/** Some files of a google.protobuf.FileDescriptorSet, found by their names and by those of what they declare. They declare no extensions. */
export class Descriptors {
  readonly #files = new Map<string, DescribedFile>();

  /** `names`: the files that are to be found, with all that they import. Throws if one of those is not in the set. */
  constructor(set: Buffer, names: readonly string[]) {
    const all = new Map(filesOf(set).map((each) => [each.name, each]));
    for (const each of withImports(all, names)) this.#files.set(each.name, each);
  }

  /** The file first, then all that it imports. */
  fileByName(name: string): readonly Buffer[] | undefined {
    return this.#files.has(name) ? this.#encoded(name) : undefined;
  }

  /** `symbol`: the full name of a service, method, message, field, oneof, enum, or an enum's value. */
  fileContaining(symbol: string): readonly Buffer[] | undefined {
    for (const { name, packageName, bytes } of this.#files.values()) {
      if (!symbol.startsWith(`${packageName}.`)) continue;
      const reader = protobuf.Reader.create(bytes);
      const path = symbol.slice(packageName.length + 1).split('.');
      if (declares(reader, reader.len, file, path)) return this.#encoded(name);
    }
    return undefined;
  }

  #encoded(name: string): readonly Buffer[] {
    return withImports(this.#files, [name]).map(({ bytes }) => bytes);
  }
}

function filesOf(set: Buffer): readonly DescribedFile[] {
  const files: DescribedFile[] = [];
  const reader = protobuf.Reader.create(set);
  while (reader.pos < reader.len) {
    reader.uint32();
    const end = reader.uint32() + reader.pos;
    files.push(headOf(set.subarray(reader.pos, end)));
    reader.pos = end;
  }
  return files;
}

function headOf(bytes: Buffer): DescribedFile {
  const reader = protobuf.Reader.create(bytes);
  const imports: string[] = [];
  let name = '';
  let packageName = '';
  for (;;) {
    const tag = reader.pos < reader.len ? reader.uint32() : Infinity;
    if (tag === nameTag) name = reader.string();
    else if (tag === packageTag) packageName = reader.string();
    else if (tag === importTag) imports.push(reader.string());
    else return { name, packageName, imports, bytes };
  }
}

/** Each once, in the order in which they are asked for and import each other. */
function withImports(
  files: ReadonlyMap<string, DescribedFile>,
  names: readonly string[],
): readonly DescribedFile[] {
  const found = new Set<DescribedFile>();
  const queue = [...names];
  for (const name of queue) {
    const next = files.get(name);
    if (next === undefined) throw new TypeError(`${name} is not described`);
    if (found.has(next)) continue;
    found.add(next);
    queue.push(...next.imports);
  }
  return [...found];
}

/**
 * Whether the rest of a declaration, up to `end`, declares what `path` names within it. Nothing is kept for the sake of the next call: what
 * has another name is passed over, so that the largest contract is a few hundred names to read.
 */
function declares(reader: Reader, end: number, kind: Kind, path: readonly string[]): boolean {
  const [wanted, ...rest] = path;
  while (reader.pos < end) {
    const tag = reader.uint32();
    const inner = kind[tag >>> 3];
    if (inner === undefined) {
      reader.skipType(tag & 7);
      continue;
    }
    const innerEnd = reader.uint32() + reader.pos;
    if (nameOf(reader) === wanted) {
      if (rest.length === 0 || declares(reader, innerEnd, inner, rest)) return true;
    } else if (inner === enumeration && rest.length === 0) {
      // The language has an enum's values beside it; below it, where some clients look for them, is where they are written.
      if (declares(reader, innerEnd, enumeration, path)) return true;
    }
    reader.pos = innerEnd;
  }
  return false;
}

function nameOf(reader: Reader): string {
  const tag = reader.uint32();
  assert.equal(tag, nameTag, 'the name comes first');
  return reader.string();
}
