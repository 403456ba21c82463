import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createAuthority, issueCertificate, type CertificateRequest, type KeyPair } from './authority.js';

/** A folder of `<name>.crt` and `<name>.key` files. Keys are readable by their owner alone. */
export interface PkiFolder {
  readonly path: string;
  certFile(name: string): string;
  keyFile(name: string): string;
  /** Makes the authority unless it is there. */
  authority(name: string, commonName: string): Promise<KeyPair>;
  /** Issues the certificate unless it is there. */
  certificate(name: string, authority: KeyPair, request: CertificateRequest): Promise<void>;
}

export function openPkiFolder(path: string): PkiFolder {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const certFile = (name: string): string => join(path, `${name}.crt`);
  const keyFile = (name: string): string => join(path, `${name}.key`);
  const present = (name: string): boolean => existsSync(certFile(name)) && existsSync(keyFile(name));
  const save = (name: string, pair: KeyPair): void => {
    replaceFile(keyFile(name), pair.keyPem, 0o600);
    replaceFile(certFile(name), pair.certPem, 0o644);
  };
  return {
    path,
    certFile,
    keyFile,
    authority: async (name, commonName) => {
      if (!present(name)) save(name, await createAuthority(commonName));
      return { certPem: readFileSync(certFile(name), 'utf8'), keyPem: readFileSync(keyFile(name), 'utf8') };
    },
    certificate: async (name, authority, request) => {
      if (!present(name)) save(name, await issueCertificate(authority, request));
    },
  };
}

/** A reader sees the old file or the new one, never a part. */
function replaceFile(path: string, content: string, mode: number): void {
  writeFileSync(`${path}.tmp`, content, { mode });
  renameSync(`${path}.tmp`, path);
}
