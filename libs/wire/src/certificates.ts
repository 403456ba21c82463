import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { Logger } from '@raftsman/telemetry';
import { wireLimits } from './limits.js';
import type { CertificateFiles } from './tls.js';

/** What the files held when they were read. */
export interface LoadedCertificates {
  /** As Node.js' servers take it; without `ca` no certificate is asked for. */
  readonly pem: { readonly ca: Buffer | undefined; readonly cert: Buffer; readonly key: Buffer };
  readonly context: SecureContext;
}

/**
 * The files of one side, as they are on disk: whoever takes or makes a connection asks. Replaced files are noticed by a look at them, at most one every
 * `certificateCheckMs`. What cannot be used leaves in force what was read before, with one warning, and is tried again: between a new certificate and
 * its key there is a moment in which they do not fit.
 */
export class Certificates {
  readonly #files: CertificateFiles;
  readonly #logger: Logger | undefined;
  #loaded: LoadedCertificates;
  /** Of the files that `#loaded` is from. */
  #stamp: string;
  #checkedAtMs = performance.now();
  #hasWarned = false;

  /** Throws if a file cannot be read or holds nothing that is of use. */
  constructor(files: CertificateFiles, logger?: Logger) {
    this.#files = files;
    this.#logger = logger;
    this.#stamp = stampOf(files);
    this.#loaded = load(files);
  }

  /** The same object until the files have changed. */
  current(): LoadedCertificates {
    const nowMs = performance.now();
    if (nowMs - this.#checkedAtMs < wireLimits.certificateCheckMs) return this.#loaded;
    this.#checkedAtMs = nowMs;
    try {
      this.#renew();
      this.#hasWarned = false;
    } catch (error) {
      if (!this.#hasWarned)
        this.#logger?.warn({ err: error, ...this.#files }, 'new certificates are of no use');
      this.#hasWarned = true;
    }
    return this.#loaded;
  }

  #renew(): void {
    const stamp = stampOf(this.#files);
    if (stamp === this.#stamp) return;
    this.#loaded = load(this.#files);
    this.#stamp = stamp;
    this.#logger?.info({ ...this.#files }, 'certificates were read anew');
  }
}

/** Differs when one of them was written or replaced. Throws if one is not there. */
function stampOf({ certFile, keyFile, caFile }: CertificateFiles): string {
  const files = caFile === undefined ? [certFile, keyFile] : [certFile, keyFile, caFile];
  return files
    .map((file) => statSync(file, { bigint: true }))
    .map(({ mtimeNs, size, ino }) => `${mtimeNs} ${size} ${ino}`)
    .join();
}

function load({ certFile, keyFile, caFile }: CertificateFiles): LoadedCertificates {
  const ca = caFile === undefined ? undefined : readFileSync(caFile);
  const pem = { ca, cert: readFileSync(certFile), key: readFileSync(keyFile) };
  // Authorities that it cannot read Node.js passes over, and then trusts nobody.
  if (ca !== undefined) new X509Certificate(ca);
  return { pem, context: createSecureContext(pem) };
}
