import type { MethodDefinition } from '@grpc/grpc-js';
import protobuf, { type Reader } from 'protobufjs';
import { status } from '../grpc.js';
import { CallError } from '../in-process.js';
import { wireLimits } from '../limits.js';

const same = (bytes: Buffer): Buffer => bytes;

/** Of a request of any size no more than tells that it is too large; a copy, since what came shares the memory of a larger buffer. */
const keep = (bytes: Buffer): Buffer =>
  Buffer.from(bytes.subarray(0, wireLimits.standardRequestBytesMax + 1));

/**
 * A method whose handler reads and writes messages in their wire form. Its contract need not be read, nor any code be made for its messages, which
 * takes tens of milliseconds: whoever calls it first would stop the process for so long.
 */
export const rawMethod = (
  service: string,
  name: string,
  streams: { readonly request?: boolean; readonly response?: boolean } = {},
): MethodDefinition<Buffer, Buffer> => ({
  path: `/${service}/${name}`,
  requestStream: streams.request ?? false,
  responseStream: streams.response ?? false,
  requestSerialize: same,
  requestDeserialize: keep,
  responseSerialize: same,
  responseDeserialize: same,
});

/** Throws CallError. */
export function readRequest<Request>(bytes: Buffer, read: (reader: Reader) => Request): Request {
  if (bytes.length > wireLimits.standardRequestBytesMax)
    throw new CallError(
      status.RESOURCE_EXHAUSTED,
      `grpc: received message larger than max (${wireLimits.standardRequestBytesMax})`,
    );
  try {
    return read(protobuf.Reader.create(bytes));
  } catch (error) {
    throw new CallError(status.INTERNAL, `Error deserializing request: ${String(error)}`);
  }
}

/** A string's value. Throws if it ends too early, which `Reader.string` passes over. */
export const readString = (reader: Reader): string => Buffer.from(reader.bytes()).toString();
