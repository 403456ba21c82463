import type { ServerReadableStream, ServerUnaryCall, ServerWritableStream } from '@grpc/grpc-js';
import type { PeerCertificate } from 'node:tls';
import { unauthorized } from '@raftsman/api';
import { identityOf } from '../auth/identity.js';
import type { RequestContext } from '../registry/core.js';

type AnyCall = Pick<
  | ServerUnaryCall<unknown, unknown>
  | ServerWritableStream<unknown, unknown>
  | ServerReadableStream<unknown, unknown>,
  'getAuthContext' | 'metadata'
>;

/** Who calls, from the certificate that the handshake has verified. Throws 401. */
export function requestContextOf(call: AnyCall, now: number): RequestContext {
  const certificate: PeerCertificate | undefined = call.getAuthContext().sslPeerCertificate;
  const identity = certificate === undefined ? null : identityOf(certificate, now);
  if (identity === null) throw unauthorized();
  const [userAgent = 'grpc'] = call.metadata.get('user-agent');
  return { identity, userAgent: String(userAgent) };
}
