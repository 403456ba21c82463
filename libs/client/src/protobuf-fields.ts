/**
 * The length-delimited fields of one protobuf message by number, the last one where a number repeats.
 * Enough to open the envelope of an error's details, for which no contract of ours holds a type.
 * Throws RangeError if the bytes are not a message. https://protobuf.dev/programming-guides/encoding/
 */
export function protobufFields(bytes: Uint8Array): Map<number, Uint8Array> {
  const fields = new Map<number, Uint8Array>();
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = bytes[at++];
      if (byte === undefined) throw new RangeError('varint is cut off');
      if (shift < 28) value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError('varint is too long');
  };
  const skip = (length: number): Uint8Array => {
    if (at + length > bytes.length) throw new RangeError('field is cut off');
    return bytes.subarray(at, (at += length));
  };
  while (at < bytes.length) {
    const tag = varint();
    switch (tag & 7) {
      case 0:
        varint();
        break;
      case 1:
        skip(8);
        break;
      case 2:
        fields.set(tag >>> 3, skip(varint()));
        break;
      case 5:
        skip(4);
        break;
      default:
        throw new RangeError('unknown wire type');
    }
  }
  return fields;
}
