import { readFileSync } from 'node:fs';
import type { SecureContext } from 'node:tls';
import type { ChannelCredentials, ServerCredentials } from '@grpc/grpc-js';
import { Certificates } from './certificates.js';
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

const certificates = new WeakMap<CertificateFiles, Certificates>();
const credentials = new WeakMap<SecureContext, ChannelCredentials>();
let insecureCredentials: ChannelCredentials | undefined;

/** For connections that are not gRPC's: as the files of this object are, see Certificates. Throws if they were never of use. */
export function clientContext(files: CertificateFiles): SecureContext {
  let known = certificates.get(files);
  if (known === undefined) {
    known = new Certificates(files);
    certificates.set(files, known);
  }
  return known.current().context;
}

/** The same ones until the files have changed: a channel that was made with others is better made anew. Throws as clientContext does. */
export function clientCredentials(security: Security): ChannelCredentials {
  if (security === 'insecure') return (insecureCredentials ??= grpcJs().ChannelCredentials.createInsecure());
  const context = clientContext(security);
  let known = credentials.get(context);
  if (known === undefined) {
    known = grpcJs().ChannelCredentials.createFromSecureContext(context);
    credentials.set(context, known);
  }
  return known;
}

/** Of a port of grpc-js' own, which reads the files once. Throws if one cannot be read. */
export function serverCredentials(security: Security): ServerCredentials {
  const { ServerCredentials } = grpcJs();
  if (security === 'insecure') return ServerCredentials.createInsecure();
  const { certFile, keyFile, caFile } = security;
  return ServerCredentials.createSsl(
    caFile === undefined ? null : readFileSync(caFile),
    [{ cert_chain: readFileSync(certFile), private_key: readFileSync(keyFile) }],
    caFile !== undefined,
  );
}
