import type { Metadata } from '@grpc/grpc-js';
import { status } from '../grpc.js';
import { metadataHeaders } from './call-context.js';
import { encodeHeaders } from './hpack.js';

/** How a call ended. */
export interface CallStatus {
  readonly code: status;
  readonly details: string;
  readonly metadata?: Metadata | null;
}

const basicHeaders = [':status', '200', 'content-type', 'application/grpc'];
const plainHeaders = encodeHeaders(basicHeaders);
const plainOk = encodeHeaders(['grpc-status', '0']);

export const okStatus: CallStatus = { code: status.OK, details: '' };

/** Of every answer; `metadata` is what the handler sends before its messages. */
export function answerHeaders(metadata?: Metadata): Buffer {
  const more = metadataHeaders(metadata);
  return more.length === 0 ? plainHeaders : encodeHeaders([...basicHeaders, ...more]);
}

/** `first`: nothing was sent before them. */
export function answerTrailers({ code, details, metadata }: CallStatus, first: boolean): Buffer {
  const more = metadataHeaders(metadata);
  if (code === status.OK && more.length === 0 && !first) return plainOk;
  const ending = [
    'grpc-status',
    String(code),
    ...(details === '' ? [] : ['grpc-message', escaped(details)]),
    ...more,
  ];
  return encodeHeaders(first ? [...basicHeaders, ...ending] : ending);
}

/** HTTP without gRPC. */
export const plainHttp = (httpStatus: number): Buffer => encodeHeaders([':status', String(httpStatus)]);

/** What gRPC's handlers pass as an error. */
export function statusOf(error: unknown, metadata?: Metadata | null): CallStatus {
  const {
    code,
    details,
    message,
    metadata: own,
  } = error as Partial<CallStatus> & { readonly message?: string };
  const known = typeof code === 'number' && Number.isInteger(code);
  return {
    code: known ? code : status.UNKNOWN,
    details: (known ? details : undefined) ?? message ?? 'Unknown Error',
    metadata: metadata ?? own ?? null,
  };
}

/** Percent-encoding of gRPC's grpc-message: UTF-8, of which printable ASCII but `%` stays. */
function escaped(text: string): string {
  if (/^[ -$&-~]*$/.test(text)) return text;
  let result = '';
  for (const byte of Buffer.from(text))
    result +=
      byte >= 0x20 && byte <= 0x7e && byte !== 0x25
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  return result;
}
