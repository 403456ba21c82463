import type { IncomingMessage } from 'node:http';
import { Metadata, type Caller } from '@raftsman/wire';
import { httpLimits } from './limits.js';

const passedOn = 'grpc-metadata-';

/**
 * Who a request of HTTP is made by: the token of its Authorization header, and what it wants passed on (`Grpc-Metadata-<name>`). As in etcd
 * the certificate that it came with does not count as a user's.
 */
export function callerOf(request: IncomingMessage): Caller {
  const metadata = new Metadata();
  const { authorization } = request.headers;
  if (authorization !== undefined) metadata.set('authorization', printable(authorization));
  let fields = 0;
  for (const [name, value] of Object.entries(request.headers)) {
    const passedName = name.slice(passedOn.length);
    if (!name.startsWith(passedOn) || typeof value !== 'string' || !isAllowed(passedName)) continue;
    metadata.set(passedName, printable(value));
    fields += 1;
    if (fields === httpLimits.metadataFieldsMax) break;
  }
  const { remoteAddress, remotePort } = request.socket;
  const peer = `${remoteAddress}:${remotePort}`;
  return { metadata, getPeer: () => peer, getAuthContext: () => ({}) };
}

/** Metadata takes nothing else. */
const printable = (value: string): string => value.replace(/[^ -~]/g, '?');

/** Members mark what they pass to each other with names of ours; binary values would need decoding. */
const isAllowed = (name: string): boolean =>
  /^[a-z0-9_.-]+$/.test(name) && !name.startsWith('raftsman-') && !name.endsWith('-bin');
