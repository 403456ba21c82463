import type { GrpcServer, Security } from '@raftsman/wire';
import { ListenError } from './errors.js';

export interface ListenAddress {
  /** host:port. */
  readonly address: string;
  readonly security: Security;
}

/** Answers the ports. Rejects with ListenError. */
export async function listenOnAll(
  server: GrpcServer,
  addresses: readonly ListenAddress[],
): Promise<readonly number[]> {
  const ports: number[] = [];
  for (const { address, security } of addresses) {
    const port = await server.listen(address, security).catch((error: unknown) => {
      throw new ListenError(address, error);
    });
    ports.push(port);
  }
  return ports;
}
