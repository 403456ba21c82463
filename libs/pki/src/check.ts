import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { CertificateRequest, KeyPair } from './authority.js';
import { pkiLimits } from './limits.js';

/** Why a certificate and its key cannot be used together at `nowMs`; null: they can. Pure. */
export function faultOf({ certPem, keyPem }: KeyPair, nowMs: number): string | null {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(certPem);
  } catch {
    return 'the certificate cannot be read';
  }
  try {
    if (!certificate.checkPrivateKey(createPrivateKey(keyPem)))
      return 'the key belongs to another certificate';
  } catch {
    return 'the key cannot be read';
  }
  return Date.parse(certificate.validTo) > nowMs ? null : `it expired at ${certificate.validTo}`;
}

/** Whether what was issued still does for `request`: sound, signed by this authority, for these names, not about to expire. Pure. */
export function stillServes(
  pair: KeyPair,
  authority: Pick<KeyPair, 'certPem'>,
  request: CertificateRequest,
  nowMs: number,
): boolean {
  if (faultOf(pair, nowMs + pkiLimits.renewedBeforeMs) !== null) return false;
  const certificate = new X509Certificate(pair.certPem);
  const { dnsNames = [], ipAddresses = [] } = request;
  return (
    certificate.verify(new X509Certificate(authority.certPem).publicKey) &&
    dnsNames.every((name) => certificate.checkHost(name, { wildcards: false }) !== undefined) &&
    ipAddresses.every((address) => certificate.checkIP(address) !== undefined)
  );
}
