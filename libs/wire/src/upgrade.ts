import { request, type ClientRequest } from 'node:http';
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { clientContext, type Security } from './tls.js';

/** What a port gives those connections to that leave HTTP/1.1 (RFC 9110, section 7.8). */
export interface UpgradeFace {
  /** As `Upgrade` must name it: `name/version`. Others are answered 426. */
  readonly protocol: string;
  /** Takes a connection that was answered 101, from its first byte after the request. It is closed with the port, when that is cut. */
  readonly take: (connection: Socket) => void;
}

/** One of the two is called, once. */
export interface UpgradeEvents {
  /** The connection, from its first byte after the answer. */
  upgraded(connection: Socket): void;
  failed(reason: string): void;
}

export interface UpgradeOptions {
  /** host:port, IPv6 in brackets. */
  readonly address: string;
  readonly security: Security;
  readonly protocol: string;
  /** Of TCP alone: whoever hears no answer to a lost packet asks again sooner than the system does. What follows the caller bounds. */
  readonly connectTimeoutMs: number;
}

/** Connects, and leaves HTTP/1.1 for `protocol`. Answers how to give that up, after which nothing is called. */
export function connectUpgraded(options: UpgradeOptions, events: UpgradeEvents): () => void {
  let socket: Socket | null = null;
  let isOver = false;
  const fail = (reason: string): void => {
    if (isOver) return;
    isOver = true;
    socket?.destroy();
    events.failed(reason);
  };
  const upgraded = (connection: Socket, early: Buffer): void => {
    if (isOver) return;
    isOver = true;
    connection.setTimeout(0);
    if (early.length > 0) connection.unshift(early);
    events.upgraded(connection);
  };
  try {
    socket = openSocket(options);
    limitConnecting(socket, options.connectTimeoutMs, fail);
    ask(socket, options, fail, upgraded);
  } catch (error) {
    // Whoever called expects the answer later.
    setImmediate(() => fail(textOf(error)));
  }
  return () => {
    isOver = true;
    socket?.destroy();
  };
}

/** Throws if the files of its security are of no use. */
function openSocket({ address, security }: UpgradeOptions): Socket {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon).replace(/^\[|\]$/g, '');
  const port = Number(address.slice(colon + 1));
  if (security === 'insecure') return connect({ host, port, noDelay: true });
  const secureContext = clientContext(security);
  const servername = isIP(host) === 0 ? host : '';
  const socket = connectTls({ host, port, secureContext, servername, ALPNProtocols: ['http/1.1'] });
  socket.setNoDelay(true);
  return socket;
}

function limitConnecting(socket: Socket, timeoutMs: number, fail: (reason: string) => void): void {
  const timer = setTimeout(() => fail(`no connection within ${timeoutMs} ms`), timeoutMs);
  const stop = (): void => clearTimeout(timer);
  socket.once('connect', stop);
  socket.once('close', stop);
}

function ask(
  socket: Socket,
  { address, protocol }: UpgradeOptions,
  fail: (reason: string) => void,
  upgraded: (connection: Socket, early: Buffer) => void,
): void {
  const headers = { Host: address, Connection: 'Upgrade', Upgrade: protocol };
  const call: ClientRequest = request({ createConnection: () => socket, headers });
  call.on('error', (error) => fail(textOf(error)));
  call.on('response', (response) => fail(`answered ${response.statusCode} instead of speaking ${protocol}`));
  call.on('upgrade', (response, connection, early) => {
    if (response.headers.upgrade === protocol) upgraded(connection as Socket, early);
    else fail(`answered ${response.headers.upgrade} instead of ${protocol}`);
  });
  call.end();
}

/** Several addresses of one name fail together, without a message. */
function textOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(textOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
