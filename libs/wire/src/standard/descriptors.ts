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
  readonly #symbols = new Map<string, DescribedFile>();

  /** `names`: the files that are to be found, with all that they import. Throws if one of those is not in the set. */
  constructor(set: Buffer, names: readonly string[]) {
    const all = new Map(filesOf(set).map((each) => [each.name, each]));
    for (const each of withImports(all, names)) {
      this.#files.set(each.name, each);
      declare(each, (symbol) => this.#symbols.set(symbol, each));
    }
  }

  /** The file first, then all that it imports. */
  fileByName(name: string): readonly Buffer[] | undefined {
    return this.#files.has(name) ? this.#encoded(name) : undefined;
  }

  /** `symbol`: the full name of a service, method, message, field, oneof, enum, or an enum's value. */
  fileContaining(symbol: string): readonly Buffer[] | undefined {
    const found = this.#symbols.get(symbol);
    return found === undefined ? undefined : this.#encoded(found.name);
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

function declare({ packageName, bytes }: DescribedFile, declared: (symbol: string) => void): void {
  const reader = protobuf.Reader.create(bytes);
  eachWithin(reader, reader.len, file, (kind, end) => declareIn(reader, end, kind, packageName, declared));
}

/** Answers the name, without its scope. */
function declareIn(
  reader: Reader,
  end: number,
  kind: Kind,
  scope: string,
  declared: (symbol: string) => void,
): string {
  reader.uint32();
  const name = reader.string();
  const fullName = `${scope}.${name}`;
  declared(fullName);
  if (kind === leaf) reader.pos = end;
  else
    eachWithin(reader, end, kind, (inner, innerEnd) => {
      const innerName = declareIn(reader, innerEnd, inner, fullName, declared);
      // The language has an enum's values beside it; some clients ask for them below it.
      if (kind === enumeration) declared(`${scope}.${innerName}`);
    });
  return name;
}

/** `visit` reads to the end of what it is given. */
function eachWithin(reader: Reader, end: number, kind: Kind, visit: (kind: Kind, end: number) => void): void {
  while (reader.pos < end) {
    const tag = reader.uint32();
    const inner = kind[tag >>> 3];
    if (inner === undefined) reader.skipType(tag & 7);
    else {
      const innerEnd = reader.uint32() + reader.pos;
      visit(inner, innerEnd);
    }
  }
}
