import type { ServicePort } from './service-table.js';

/** How Service addresses become real on this machine. */
export interface ProxyBackend {
  /** Makes the machine answer for exactly these ports. Called one at a time; rejects if it could not (and is called again). */
  sync(ports: readonly ServicePort[]): Promise<void>;
  /** The proxy stops. Rules in the kernel stay, sockets close. */
  close(): Promise<void>;
}
