import type { CertificateFiles } from '@raftsman/wire';
import type { StoreFlags } from './config.js';
import { ConfigError } from './errors.js';
import type { ListenAddress } from './listen.js';
import { targetOf, type Url } from './urls.js';

/**
 * etcd's rule (its transport.TLSInfo): an authority given is one that every client must have a certificate of, with or without `--client-cert-auth`; a
 * certificate and its key alone serve clients that show none.
 */
export interface Tls {
  /** What its flags begin with: `--` or `--peer-`. */
  readonly prefix: string;
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
  readonly caFile: string | undefined;
  readonly clientCertAuth: boolean;
}

export const clientTls = (flags: StoreFlags): Tls => ({
  prefix: '--',
  certFile: flags.certFile,
  keyFile: flags.keyFile,
  caFile: flags.trustedCaFile,
  clientCertAuth: flags.clientCertAuth ?? false,
});

/** Metrics may be served without TLS beside clients that must show a certificate: that is what their own URLs are for. */
export const noTls: Tls = {
  prefix: '--',
  certFile: undefined,
  keyFile: undefined,
  caFile: undefined,
  clientCertAuth: false,
};

export const peerTls = (flags: StoreFlags): Tls => ({
  prefix: '--peer-',
  certFile: flags.peerCertFile,
  keyFile: flags.peerKeyFile,
  caFile: flags.peerTrustedCaFile,
  clientCertAuth: flags.peerClientCertAuth ?? false,
});

/** null: there are none. Throws ConfigError if there is a part of what must come together. */
function filesOf({ prefix, certFile, keyFile, caFile, clientCertAuth }: Tls): CertificateFiles | null {
  if (clientCertAuth && caFile === undefined)
    throw new ConfigError(`${prefix}client-cert-auth needs ${prefix}trusted-ca-file`);
  if (certFile === undefined && keyFile === undefined) return null;
  if (certFile === undefined || keyFile === undefined)
    throw new ConfigError(`${prefix}cert-file and ${prefix}key-file must be given together`);
  return { certFile, keyFile, caFile };
}

function filesFor(url: Url, tls: Tls): CertificateFiles {
  const files = filesOf(tls);
  if (files === null)
    throw new ConfigError(`TLS for ${url.text} needs ${tls.prefix}cert-file and ${tls.prefix}key-file`);
  return files;
}

/** Throws ConfigError. */
export function listener(url: Url, tls: Tls): ListenAddress {
  if (!url.bindable) throw new ConfigError(`expected IP in URL for binding (${url.text})`);
  const address = targetOf(url);
  if (url.scheme === 'https') return { address, security: filesFor(url, tls) };
  if (tls.clientCertAuth)
    throw new ConfigError(`client certificates cannot be checked on ${url.text}: it is not https`);
  return { address, security: 'insecure' };
}

/** The files for https peers; needed at once if one of the known URLs is one. Throws ConfigError. */
export function peerFiles(urls: readonly Url[], tls: Tls): CertificateFiles | null {
  const secure = urls.find(({ scheme }) => scheme === 'https');
  return secure === undefined ? filesOf(tls) : filesFor(secure, tls);
}
