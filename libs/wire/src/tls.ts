import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { ChannelCredentials, ServerCredentials } from '@grpc/grpc-js';
import { grpcJs } from './grpc.js';

/** PEM files of one side of a connection. */
export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
  /**
   * Whom to trust. On a client the servers' authority; without it those that Node.js knows. On a server the clients' authority, and then every client must
   * show a certificate of it; without it none is asked for. There is no server that knows an authority and lets in whoever shows nothing.
   */
  readonly caFile?: string | undefined;
}

/** Where the other side is always checked. */
export interface TlsFiles extends CertificateFiles {
  readonly caFile: string;
}

/** `insecure` is for benchmarks on loopback; whoever takes it must say so loudly. */
export type Security = CertificateFiles | 'insecure';
/** Of clients that name whom they trust, as all of ours do whose flags are not etcd's. */
export type ClientSecurity = TlsFiles | 'insecure';

/** Throws if a file cannot be read. */
export function clientCredentials(security: Security): ChannelCredentials {
  const { ChannelCredentials } = grpcJs();
  if (security === 'insecure') return ChannelCredentials.createInsecure();
  return ChannelCredentials.createSsl(
    authorityOf(security) ?? null,
    readFileSync(security.keyFile),
    readFileSync(security.certFile),
  );
}

/** Throws if a file cannot be read. */
export function serverCredentials(security: Security): ServerCredentials {
  const { ServerCredentials } = grpcJs();
  if (security === 'insecure') return ServerCredentials.createInsecure();
  return ServerCredentials.createSsl(
    authorityOf(security) ?? null,
    [{ cert_chain: readFileSync(security.certFile), private_key: readFileSync(security.keyFile) }],
    security.caFile !== undefined,
  );
}

const contexts = new WeakMap<CertificateFiles, SecureContext>();

/** For connections that are not gRPC's. The files are read once for as long as `files` is in use. Throws if one cannot be read. */
export function clientContext(files: CertificateFiles): SecureContext {
  let context = contexts.get(files);
  if (context === undefined) {
    context = createSecureContext({
      ca: authorityOf(files),
      cert: readFileSync(files.certFile),
      key: readFileSync(files.keyFile),
    });
    contexts.set(files, context);
  }
  return context;
}

/** Throws if it cannot be read. */
export const authorityOf = ({ caFile }: CertificateFiles): Buffer | undefined =>
  caFile === undefined ? undefined : readFileSync(caFile);
