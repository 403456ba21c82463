import type { GrpcServer, ServerSecurity } from '@raftsman/wire';
import { ListenError } from './errors.js';

export interface ListenAddress {
  /** host:port. */
  readonly address: string;
  readonly security: ServerSecurity;
}

/** Rejects with ListenError. */
export async function listenOnAll(server: GrpcServer, addresses: readonly ListenAddress[]): Promise<void> {
  for (const { address, security } of addresses)
    await server.listen(address, security).catch((error: unknown) => {
      throw new ListenError(address, error);
    });
}
