import { TLSSocket } from 'node:tls';
import type { ServerUnaryCall } from '@grpc/grpc-js';
import { Metadata } from '../grpc.js';

import type { HeaderList } from './hpack.js';
import type { Http2Connection } from './connection.js';

export type AuthContext = ReturnType<ServerUnaryCall<unknown, unknown>['getAuthContext']>;

/** What a handler may ask of a call, beside its messages (grpc-js' ServerSurfaceCall). */
export class CallContext {
  readonly #headers: HeaderList;
  readonly #connection: Http2Connection;
  #metadata: Metadata | null = null;

  constructor(headers: HeaderList, connection: Http2Connection) {
    this.#headers = headers;
    this.#connection = connection;
  }

  /** Made when it is asked for: most calls carry none. */
  get metadata(): Metadata {
    return (this.#metadata ??= metadataOf(this.#headers));
  }

  get path(): string {
    return this.header(':path');
  }

  header(name: string): string {
    const list = this.#headers;
    for (let at = 0; at < list.length; at += 2) if (list[at] === name) return list[at + 1]!;
    return '';
  }

  get peer(): string {
    const { remoteAddress, remotePort, remoteFamily } = this.#connection.socket;
    if (remoteAddress === undefined) return 'unknown';
    return remoteFamily === 'IPv6' ? `[${remoteAddress}]:${remotePort}` : `${remoteAddress}:${remotePort}`;
  }

  /** The client keeps its own deadline, and cancels. */
  get deadline(): number {
    return Infinity;
  }

  get authContext(): AuthContext {
    const { socket } = this.#connection;
    if (!(socket instanceof TLSSocket)) return {};
    const certificate = socket.getPeerCertificate();
    return { transportSecurityType: 'ssl', ...(certificate.raw ? { sslPeerCertificate: certificate } : {}) };
  }
}

const isReserved = (name: string): boolean =>
  name.startsWith(':') ||
  name.startsWith('grpc-') ||
  name === 'content-type' ||
  name === 'te' ||
  name === 'user-agent';

function metadataOf(headers: HeaderList): Metadata {
  const metadata = new Metadata();
  for (let at = 0; at < headers.length; at += 2) {
    const [name, value] = [headers[at]!, headers[at + 1]!];
    if (isReserved(name)) continue;
    const values = name.endsWith('-bin')
      ? value.split(',').map((each) => Buffer.from(each, 'base64'))
      : [value];
    for (const each of values) addIfLegal(metadata, name, each);
  }
  return metadata;
}

/** What gRPC does not allow as metadata is not for the handlers. */
function addIfLegal(metadata: Metadata, name: string, value: string | Buffer): void {
  try {
    metadata.add(name, value);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
  }
}

/** As headers of an answer. */
export function metadataHeaders(metadata: Metadata | null | undefined): string[] {
  if (metadata === null || metadata === undefined) return [];
  return Object.entries(metadata.toHttp2Headers()).flatMap(([name, value]) =>
    [value].flat().flatMap((each) => (each === undefined ? [] : [name, String(each)])),
  );
}
