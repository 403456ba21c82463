import { gzip } from 'node:zlib';
import type { Http2ServerResponse, OutgoingHttpHeaders } from 'node:http2';
import { stringify } from 'yaml';
import type { ApiError } from '@raftsman/api';
import { limits } from '../limits.js';
import type { Representation } from './negotiate.js';

/** What every answer needs to know of its request. */
export interface Exchange {
  readonly response: Http2ServerResponse;
  readonly acceptsGzip: boolean;
  /** No body: the request was a HEAD. */
  readonly head: boolean;
}

type Headers = Readonly<Record<string, string | readonly string[]>>;

const plain: Representation = { format: 'json', as: '', version: '' };

/** Sends a value; `headers` beside the content type. */
export function sendValue(
  exchange: Exchange,
  code: number,
  value: unknown,
  representation: Representation = plain,
  headers: Headers = {},
): void {
  const yaml = representation.format === 'yaml';
  const text = yaml ? stringify(value, { aliasDuplicateObjects: false }) : `${JSON.stringify(value)}\n`;
  sendBytes(exchange, code, Buffer.from(text), { 'content-type': contentType(representation), ...headers });
}

/** JSON that is text already. */
export function sendJsonText(exchange: Exchange, code: number, text: string): void {
  sendBytes(exchange, code, Buffer.from(text), { 'content-type': 'application/json' });
}

function contentType({ format, as, version }: Representation): string {
  return as === 'APIGroupDiscoveryList'
    ? `application/${format};g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`
    : `application/${format}`;
}

export function sendText(exchange: Exchange, code: number, text: string): void {
  sendBytes(exchange, code, Buffer.from(text), {
    'content-type': 'text/plain; charset=utf-8',
    'x-content-type-options': 'nosniff',
  });
}

/** A Status, as every failure is answered. */
export function sendError(exchange: Exchange, error: ApiError): void {
  if (exchange.response.headersSent) return void exchange.response.stream?.destroy();
  const { retryAfterSeconds } = error.status.details ?? {};
  const headers: Headers =
    retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
  sendValue(exchange, error.code, error.status, plain, headers);
}

export function sendBytes(
  { response, acceptsGzip, head }: Exchange,
  code: number,
  bytes: Buffer,
  headers: Headers,
): void {
  const end = (body: Buffer, more: Readonly<Record<string, string>>): void => {
    if (response.destroyed || response.headersSent) return;
    const length = String(body.length);
    const all = { ...headers, ...more, 'cache-control': 'no-cache, private', 'content-length': length };
    response.writeHead(code, all as OutgoingHttpHeaders);
    if (head) response.end();
    else response.end(body);
  };
  if (!acceptsGzip || bytes.length < limits.gzipBytesMin) return end(bytes, {});
  gzip(bytes, { level: 1 }, (error, packed) => {
    if (error === null) end(packed, { 'content-encoding': 'gzip', vary: 'Accept-Encoding' });
    else end(bytes, {});
  });
}
