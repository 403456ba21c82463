/** Around every proposal in the log: whose it is, so that the member that was asked finds the caller who waits. */
export interface Envelope {
  readonly origin: number;
  /** Drawn anew at each start of the origin, so that a number is never taken for one of an earlier life. */
  readonly incarnation: number;
  readonly request: number;
  readonly payload: Uint8Array;
}

const version = 1;
const headerBytes = 1 + 3 * 8;

/** Version, three whole numbers below 2^53 as big-endian doubles, payload. */
export function encodeEnvelope({ origin, incarnation, request, payload }: Envelope): Uint8Array {
  const data = new Uint8Array(headerBytes + payload.length);
  const view = new DataView(data.buffer);
  view.setUint8(0, version);
  view.setFloat64(1, origin);
  view.setFloat64(9, incarnation);
  view.setFloat64(17, request);
  data.set(payload, headerBytes);
  return data;
}

/** null: not an envelope. Every member must skip such an entry alike. */
export function decodeEnvelope(data: Uint8Array): Envelope | null {
  if (data.length < headerBytes || data[0] !== version) return null;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  return {
    origin: view.getFloat64(1),
    incarnation: view.getFloat64(9),
    request: view.getFloat64(17),
    payload: data.subarray(headerBytes),
  };
}
