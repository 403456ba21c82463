import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerOptions,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { wireLimits } from './limits.js';
import { limitBody } from './body-timeout.js';
import type { Certificates } from './certificates.js';
import type { UpgradeFace } from './upgrade.js';

/** What one port serves. */
export interface Faces {
  /** HTTP/1.1. */
  readonly http: RequestListener;
  /** Takes connections that speak HTTP/2, whose first bytes are put back. Without it they are closed. */
  readonly http2?: ((connection: Socket) => void) | undefined;
  /** Takes connections of HTTP/1.1 that ask for its protocol. Without it such a request is one like any other. */
  readonly upgrade?: UpgradeFace | undefined;
}

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
/** So much of the preface no request of HTTP/1.1 begins with. */
const tellingBytes = 4;
const tooMany = 'HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n';

const bounds: ServerOptions = {
  headersTimeout: wireLimits.httpHeadersTimeoutMs,
  // See body-timeout.ts.
  requestTimeout: 0,
  keepAliveTimeout: wireLimits.httpKeepAliveTimeoutMs,
  connectionsCheckingInterval: wireLimits.httpCheckIntervalMs,
  maxHeaderSize: wireLimits.httpHeaderBytesMax,
};

/**
 * One listening socket. A connection's first bytes tell HTTP/2 from HTTP/1.1; with TLS a client that offers both, as browsers and curl do,
 * is given HTTP/1.1, while gRPC clients offer only HTTP/2. Who says nothing for a while is gone. Each connection meets the certificates of its moment.
 */
export class FaceListener {
  readonly #server: Server;
  readonly #faces: Faces;
  readonly #serveHttp: (connection: Socket) => void;
  /** Connections that have not said yet what they are. */
  readonly #silent = new Set<Socket>();
  readonly #upgraded = new Set<Socket>();
  #httpCount = 0;

  /** `certificates`: null without TLS. */
  constructor(certificates: Certificates | null, faces: Faces) {
    this.#faces = faces;
    const http: RequestListener = (request, response) => {
      limitBody(request, response);
      faces.http(request, response);
    };
    this.#server = certificates === null ? createServer(bounds, http) : createSecured(certificates, http);
    this.#server.maxConnections = wireLimits.connectionsMax;
    // Node's HTTP server takes over connections by a listener of its own: it gets those that are for it.
    const event = certificates === null ? 'connection' : 'secureConnection';
    const [serveHttp] = this.#server.listeners(event) as ((connection: Socket) => void)[];
    this.#server.removeAllListeners(event);
    this.#serveHttp = serveHttp!.bind(this.#server);
    this.#server.on(event, (connection: Socket) => this.#listenTo(connection));
    const { upgrade } = faces;
    if (upgrade === undefined) return;
    this.#server.on('upgrade', (request: IncomingMessage, connection: Socket, early: Buffer) =>
      this.#upgrade(upgrade, request, connection, early),
    );
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  listen(host: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host, port }, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
  }

  close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const connection of this.#silent) connection.destroy();
    return closed;
  }

  cut(): void {
    this.#server.closeAllConnections();
    for (const connection of this.#upgraded) connection.destroy();
  }

  #listenTo(connection: Socket): void {
    this.#silent.add(connection);
    connection.on('error', () => connection.destroy());
    connection.setTimeout(wireLimits.silentConnectionMs, () => connection.destroy());
    const forget = (): void => void this.#silent.delete(connection);
    connection.once('close', forget);
    this.#hear(connection, Buffer.alloc(0), () => {
      forget();
      connection.off('close', forget);
      connection.setTimeout(0);
      connection.removeAllListeners('timeout');
    });
  }

  #hear(connection: Socket, before: Buffer, recognised: () => void): void {
    connection.once('data', (bytes: Buffer) => {
      connection.pause();
      const heard = before.length === 0 ? bytes : Buffer.concat([before, bytes]);
      const compared = Math.min(heard.length, tellingBytes);
      const isHttp2 = heard.compare(preface, 0, compared, 0, compared) === 0;
      if (isHttp2 && compared < tellingBytes) return this.#hear(connection, heard, recognised);
      recognised();
      connection.unshift(heard);
      if (isHttp2) this.#serveHttp2(connection);
      else this.#serveHttp1(connection);
    });
    connection.resume();
  }

  #serveHttp2(connection: Socket): void {
    if (this.#faces.http2 === undefined) connection.destroy();
    else this.#faces.http2(connection);
  }

  #serveHttp1(connection: Socket): void {
    if (this.#httpCount >= wireLimits.httpConnectionsMax) {
      connection.end(tooMany, () => connection.destroy());
      return;
    }
    this.#httpCount += 1;
    connection.once('close', () => (this.#httpCount -= 1));
    connection.setKeepAlive(true, wireLimits.httpTcpKeepAliveMs);
    this.#serveHttp(connection);
    connection.resume();
  }

  #upgrade(face: UpgradeFace, request: IncomingMessage, connection: Socket, early: Buffer): void {
    if (request.headers.upgrade !== face.protocol) {
      connection.end(otherProtocol(face.protocol), () => connection.destroy());
      return;
    }
    this.#upgraded.add(connection);
    connection.once('close', () => this.#upgraded.delete(connection));
    connection.setNoDelay(true);
    connection.write(switching(face.protocol));
    if (early.length > 0) connection.unshift(early);
    face.take(connection);
  }
}

const switching = (protocol: string): string =>
  `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`;
const otherProtocol = (protocol: string): string =>
  `HTTP/1.1 426 Upgrade Required\r\nConnection: Upgrade, close\r\nUpgrade: ${protocol}\r\nContent-Length: 0\r\n\r\n`;

function createSecured(certificates: Certificates, http: RequestListener): Server {
  let inUse = certificates.current();
  const options = {
    ...inUse.pem,
    requestCert: inUse.pem.ca !== undefined,
    ALPNProtocols: ['http/1.1', 'h2'],
    handshakeTimeout: wireLimits.tlsHandshakeTimeoutMs,
  };
  const server = createTlsServer({ ...bounds, ...options }, http);
  // Before the handshake that Node.js begins with the same event.
  server.prependListener('connection', () => {
    const current = certificates.current();
    if (current === inUse) return;
    inUse = current;
    server.setSecureContext(current.pem);
  });
  return server;
}
