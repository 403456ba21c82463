import { badRequest } from '@raftsman/api';

/** One field as it stands on the wire: https://protobuf.dev/programming-guides/encoding/ */
export type WireField =
  | { readonly number: number; readonly kind: 'varint'; readonly value: bigint }
  | { readonly number: number; readonly kind: 'fixed64'; readonly value: Buffer }
  | { readonly number: number; readonly kind: 'bytes'; readonly value: Buffer };

const truncated = (): Error => badRequest('the protobuf ends in the middle of a field');

/** The fields of one message, in order. Throws 400. */
export function* wireFields(message: Buffer): Generator<WireField> {
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = message[at];
      if (byte === undefined) throw truncated();
      at += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw badRequest('the protobuf holds a number of more than 64 bits');
  };
  const take = (length: number): Buffer => {
    if (length > message.length - at) throw truncated();
    at += length;
    return message.subarray(at - length, at);
  };
  while (at < message.length) {
    const tag = varint();
    const number = Number(tag >> 3n);
    switch (Number(tag & 7n)) {
      case 0:
        yield { number, kind: 'varint', value: varint() };
        break;
      case 1:
        yield { number, kind: 'fixed64', value: take(8) };
        break;
      case 2: {
        const length = varint();
        if (length > BigInt(message.length)) throw truncated();
        yield { number, kind: 'bytes', value: take(Number(length)) };
        break;
      }
      default:
        throw badRequest(`the protobuf has a field of wire type ${tag & 7n}, which no kind uses`);
    }
  }
}
