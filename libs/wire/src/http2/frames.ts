/** HTTP/2 frames (RFC 9113, section 4 and 6). */

export const frameHeaderBytes = 9;
/** SETTINGS_MAX_FRAME_SIZE: the smallest there is, which we do not raise. */
export const frameBytesMax = 16_384;
/** SETTINGS_INITIAL_WINDOW_SIZE unless said otherwise, and the connection's at its beginning. */
export const defaultWindowBytes = 65_535;
export const windowBytesMax = 2 ** 31 - 1;

export const frameTypes = {
  data: 0,
  headers: 1,
  priority: 2,
  resetStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const flags = { ack: 1, endStream: 1, endHeaders: 4, padded: 8, priority: 32 } as const;

export const settingIds = {
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
  maxHeaderListSize: 6,
} as const;

export const errorCodes = {
  noError: 0,
  protocolError: 1,
  internalError: 2,
  flowControlError: 3,
  streamClosed: 5,
  frameSizeError: 6,
  refusedStream: 7,
  cancel: 8,
  compressionError: 9,
  enhanceYourCalm: 11,
} as const;
export type ErrorCode = (typeof errorCodes)[keyof typeof errorCodes];

/** What the other side did ends the whole connection. */
export class ConnectionError extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message: string) {
    super(message);
    this.name = 'ConnectionError';
    this.code = code;
  }
}

export function writeFrameHeader(
  into: Buffer,
  at: number,
  length: number,
  type: number,
  frameFlags: number,
  streamId: number,
): number {
  into[at] = length >>> 16;
  into[at + 1] = length >>> 8;
  into[at + 2] = length;
  into[at + 3] = type;
  into[at + 4] = frameFlags;
  return into.writeUInt32BE(streamId, at + 5);
}

export function frame(type: number, frameFlags: number, streamId: number, payload: Uint8Array): Buffer {
  const whole = Buffer.allocUnsafe(frameHeaderBytes + payload.length);
  whole.set(payload, writeFrameHeader(whole, 0, payload.length, type, frameFlags, streamId));
  return whole;
}

export function settingsFrame(settings: readonly (readonly [id: number, value: number])[]): Buffer {
  const payload = Buffer.allocUnsafe(6 * settings.length);
  settings.forEach(([id, value], i) => payload.writeUInt32BE(value, payload.writeUInt16BE(id, 6 * i)));
  return frame(frameTypes.settings, 0, 0, payload);
}

export const settingsAck = frame(frameTypes.settings, flags.ack, 0, Buffer.alloc(0));

export const windowUpdateFrame = (streamId: number, bytes: number): Buffer =>
  frame(frameTypes.windowUpdate, 0, streamId, uint32(bytes));

export const resetFrame = (streamId: number, code: ErrorCode): Buffer =>
  frame(frameTypes.resetStream, 0, streamId, uint32(code));

export const goAwayFrame = (lastStreamId: number, code: ErrorCode, message = ''): Buffer =>
  frame(frameTypes.goAway, 0, 0, Buffer.concat([uint32(lastStreamId), uint32(code), Buffer.from(message)]));

export function uint32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
