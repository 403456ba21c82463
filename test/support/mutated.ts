import { serialize } from 'node:v8';
import fc from 'fast-check';

type Edit = (bytes: Buffer) => Buffer;

const at = fc.nat();
/** What a length or a count says that nothing can hold: varints, and numbers of fixed width. */
const blownUp = fc.constantFrom(
  Buffer.of(0xff, 0xff, 0xff, 0xff, 0x07),
  Buffer.of(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02),
  Buffer.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01),
  Buffer.alloc(4, 0xff),
  Buffer.of(0x7f, 0xff, 0xff, 0xff),
  Buffer.alloc(8, 0xff),
);

const edit: fc.Arbitrary<Edit> = fc.oneof(
  at.map(
    (length): Edit =>
      (bytes) =>
        bytes.subarray(0, length % (bytes.length + 1)),
  ),
  fc
    .tuple(at, fc.nat(7))
    .map(([place, bit]): Edit => changed((bytes) => (bytes[place % bytes.length]! ^= 1 << bit))),
  fc
    .tuple(at, fc.nat(255))
    .map(([place, byte]): Edit => changed((bytes) => (bytes[place % bytes.length] = byte))),
  fc
    .tuple(at, blownUp)
    .map(([place, length]): Edit =>
      changed((bytes) =>
        bytes.set(length.subarray(0, bytes.length - (place % bytes.length)), place % bytes.length),
      ),
    ),
  fc.tuple(at, blownUp).map(
    ([place, length]): Edit =>
      (bytes) =>
        inserted(bytes, place, length),
  ),
  fc.tuple(at, at).map(
    ([from, to]): Edit =>
      (bytes) =>
        inserted(bytes, to, bytes.subarray(from % (bytes.length + 1))),
  ),
  fc.tuple(at, fc.nat(9)).map(([place, count]): Edit => (bytes) => {
    const from = place % (bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + count)]);
  }),
);

function changed(change: (bytes: Buffer) => unknown): Edit {
  return (bytes) => {
    const copy = Buffer.from(bytes);
    if (copy.length > 0) change(copy);
    return copy;
  };
}

function inserted(bytes: Buffer, place: number, more: Uint8Array): Buffer {
  const from = place % (bytes.length + 1);
  return Buffer.concat([bytes.subarray(0, from), more, bytes.subarray(from)]);
}

/** Encodings as accidents and malice leave them: cut, bits flipped, lengths blown up, parts doubled or missing. One in ten is noise. */
export function mutated(encodings: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Buffer> {
  const edited = fc
    .tuple(encodings, fc.array(edit, { minLength: 1, maxLength: 4 }))
    .map(([bytes, edits]) => edits.reduce<Buffer>((sum, each) => each(sum), Buffer.from(bytes)));
  const noise = fc.uint8Array({ maxLength: 200 }).map((bytes): Buffer => Buffer.from(bytes));
  return fc.oneof({ weight: 9, arbitrary: edited }, { weight: 1, arbitrary: noise });
}

type ErrorClass = abstract new (...args: never[]) => Error;

/**
 * Parses; undefined: it was refused with one of `declared`. Throws any other error on, and when what was read takes more than
 * `bytesPerByte` times the input: a short lie must not make a large object.
 */
export function parsed<T>(
  input: Uint8Array,
  parse: (bytes: Buffer) => T,
  declared: readonly ErrorClass[],
  bytesPerByte = 64,
): T | undefined {
  let result: T;
  try {
    result = parse(Buffer.from(input));
  } catch (error) {
    if (declared.some((each) => error instanceof each)) return undefined;
    throw error;
  }
  const sizeBytes = serialize(result).length;
  if (sizeBytes > 512 + bytesPerByte * input.length)
    throw new Error(`${input.length} bytes became ${sizeBytes}`);
  return result;
}
