import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { ChannelCredentials, ServerCredentials } from '@grpc/grpc-js';
import { grpcJs } from './grpc.js';

/** PEM files of one side of a connection. */
export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
  /** Whom to trust: on a client the servers' authority, on a server the clients'. */
  readonly caFile: string;
}

/** `insecure` is for benchmarks on loopback; whoever takes it must say so loudly. */
export type ClientSecurity = TlsFiles | 'insecure';
export type ServerSecurity = (TlsFiles & { readonly clientCertRequired: boolean }) | 'insecure';

/** Throws if a file cannot be read. */
export function clientCredentials(security: ClientSecurity): ChannelCredentials {
  const { ChannelCredentials } = grpcJs();
  if (security === 'insecure') return ChannelCredentials.createInsecure();
  return ChannelCredentials.createSsl(
    readFileSync(security.caFile),
    readFileSync(security.keyFile),
    readFileSync(security.certFile),
  );
}

/** Throws if a file cannot be read. */
export function serverCredentials(security: ServerSecurity): ServerCredentials {
  const { ServerCredentials } = grpcJs();
  if (security === 'insecure') return ServerCredentials.createInsecure();
  return ServerCredentials.createSsl(
    readFileSync(security.caFile),
    [{ cert_chain: readFileSync(security.certFile), private_key: readFileSync(security.keyFile) }],
    security.clientCertRequired,
  );
}

const contexts = new WeakMap<TlsFiles, SecureContext>();

/** For connections that are not gRPC's. The files are read once for as long as `files` is in use. Throws if one cannot be read. */
export function clientContext(files: TlsFiles): SecureContext {
  let context = contexts.get(files);
  if (context === undefined) {
    context = createSecureContext({
      ca: readFileSync(files.caFile),
      cert: readFileSync(files.certFile),
      key: readFileSync(files.keyFile),
    });
    contexts.set(files, context);
  }
  return context;
}
