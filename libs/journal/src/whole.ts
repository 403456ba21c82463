export const wholeBytes = 8;
const high = 2 ** 32;

/** A whole number below 2^53 in 8 bytes, big-endian, so that byte order is numeric order; answers the offset after it. */
export function putWhole(target: Buffer, offset: number, value: number): number {
  target.writeUInt32BE(Math.floor(value / high), offset);
  return target.writeUInt32BE(value % high, offset + 4);
}

export function getWhole(source: Uint8Array, offset: number): number {
  const view = new DataView(source.buffer, source.byteOffset, source.byteLength);
  return view.getUint32(offset) * high + view.getUint32(offset + 4);
}
