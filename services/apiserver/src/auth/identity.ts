import type { PeerCertificate } from 'node:tls';

/** Who makes a request. `groups` ends with `system:authenticated` or `system:unauthenticated`. */
export interface Identity {
  readonly name: string;
  readonly groups: readonly string[];
}

export const anonymous: Identity = { name: 'system:anonymous', groups: ['system:unauthenticated'] };

const oneValue = (value: string | readonly string[] | undefined): string =>
  typeof value === 'string' ? value : (value?.[0] ?? '');
const allValues = (value: string | readonly string[] | undefined): readonly string[] =>
  value === undefined ? [] : typeof value === 'string' ? [value] : value;

/**
 * The identity in a certificate that was verified against the client authority: CN is the user, each O a group.
 * null: it names nobody, or is not valid at `now` (a connection may outlive its certificate).
 */
export function identityOf(certificate: PeerCertificate, now: number): Identity | null {
  const subject = certificate.subject as Record<string, string | readonly string[] | undefined> | undefined;
  const name = oneValue(subject?.['CN']);
  if (name === '' || now > Date.parse(certificate.valid_to) || now < Date.parse(certificate.valid_from))
    return null;
  return { name, groups: [...allValues(subject?.['O']), 'system:authenticated'] };
}

/** The node behind a kubelet's identity; null: it is none. */
export function nodeNameOf(identity: Identity): string | null {
  const prefix = 'system:node:';
  return identity.groups.includes('system:nodes') && identity.name.startsWith(prefix)
    ? identity.name.slice(prefix.length)
    : null;
}
