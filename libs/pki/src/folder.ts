import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { faultOf, stillServes } from './check.js';
import { createAuthority, issueCertificate, type CertificateRequest, type KeyPair } from './authority.js';

/** A folder of `<name>.crt` and `<name>.key` files. Keys are readable by their owner alone. */
export interface PkiFolder {
  readonly path: string;
  certFile(name: string): string;
  keyFile(name: string): string;
  /**
   * Makes the authority if neither of its files is there. Rejects with PkiError if only one is, or if they are damaged: a new
   * authority would make worthless what the old one signed, so that is for people to decide.
   */
  authority(name: string, commonName: string): Promise<KeyPair>;
  /** Issues the certificate unless there is one that serves: sound, of this authority, for these names, and not about to expire. */
  certificate(name: string, authority: KeyPair, request: CertificateRequest): Promise<void>;
}

/** What is in the folder cannot be used, and must not be replaced. */
export class PkiError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'PkiError';
  }
}

export function openPkiFolder(path: string): PkiFolder {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const certFile = (name: string): string => join(path, `${name}.crt`);
  const keyFile = (name: string): string => join(path, `${name}.key`);
  const pairOf = (name: string): KeyPair => ({
    certPem: readFileSync(certFile(name), 'utf8'),
    keyPem: readFileSync(keyFile(name), 'utf8'),
  });
  /** The files of a name that are there. */
  const there = (name: string): readonly string[] => [certFile(name), keyFile(name)].filter(existsSync);
  const save = (name: string, pair: KeyPair): void => {
    replaceFile(keyFile(name), pair.keyPem, 0o600);
    replaceFile(certFile(name), pair.certPem, 0o644);
  };
  return {
    path,
    certFile,
    keyFile,
    authority: async (name, commonName) => {
      const files = there(name);
      if (files.length === 0) save(name, await createAuthority(commonName));
      if (files.length === 1)
        throw new PkiError(
          `${files[0]} is there, but its ${name}.crt and ${name}.key belong together; restore the other`,
        );
      const pair = pairOf(name);
      const fault = faultOf(pair, Date.now());
      if (fault !== null)
        throw new PkiError(
          `${certFile(name)} and its key: ${fault}; restore them, or remove ${path} to start anew`,
        );
      return pair;
    },
    certificate: async (name, authority, request) => {
      if (there(name).length === 2 && stillServes(pairOf(name), authority, request, Date.now())) return;
      save(name, await issueCertificate(authority, request));
    },
  };
}

/** A reader sees the old file or the new one, never a part. */
function replaceFile(path: string, content: string, mode: number): void {
  writeFileSync(`${path}.tmp`, content, { mode });
  renameSync(`${path}.tmp`, path);
}
