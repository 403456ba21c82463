import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Logger } from '@raftsman/telemetry';
import { Certificates } from './certificates.js';
import { FaceListener, type Faces } from './face-listener.js';
import type { Security } from './tls.js';

export interface SharedPort {
  readonly port: number;
  /** Stops listening and closes HTTP/1.1 connections that are idle. Resolves when all connections have ended. */
  close(): Promise<void>;
  /** Ends what is left of connections that are not HTTP/2's. */
  cut(): void;
}

/**
 * Listens for HTTP/1.1 and HTTP/2 on every IP address that `address` (host:port) stands for. Rejects if one of them is taken, or none is
 * this machine's, or if its files are of no use. `logger`: is told when files were replaced.
 */
export async function listenShared(
  address: string,
  security: Security,
  faces: Faces,
  logger?: Logger,
): Promise<SharedPort> {
  const { hosts, port } = await resolve(address);
  const certificates = security === 'insecure' ? null : new Certificates(security, logger);
  const listeners: FaceListener[] = [];
  const absent: unknown[] = [];
  const close = async (): Promise<void> => void (await Promise.all(listeners.map((each) => each.close())));
  for (const host of hosts) {
    const listener = new FaceListener(certificates, faces);
    try {
      await listener.listen(host, listeners[0]?.port ?? port);
      listeners.push(listener);
    } catch (error) {
      if (!isAbsent(error)) {
        await close();
        throw error;
      }
      absent.push(error);
    }
  }
  if (listeners.length === 0) throw absent[0];
  return {
    port: listeners[0]!.port,
    close,
    cut: () => {
      for (const each of listeners) each.cut();
    },
  };
}

async function resolve(address: string): Promise<{ hosts: ReadonlySet<string>; port: number }> {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon).replace(/^\[|\]$/g, '');
  const port = Number(address.slice(colon + 1));
  if (colon === -1 || !Number.isInteger(port)) throw new TypeError(`${address} is not host:port`);
  if (isIP(host) !== 0) return { hosts: new Set([host]), port };
  const found = await lookup(host, { all: true });
  return { hosts: new Set(found.map((each) => each.address)), port };
}

/** A machine without IPv6 still resolves localhost to ::1. */
const isAbsent = (error: unknown): boolean =>
  ['EADDRNOTAVAIL', 'EAFNOSUPPORT'].includes((error as NodeJS.ErrnoException).code ?? '');
