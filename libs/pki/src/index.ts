export {
  createAuthority,
  expiryMs,
  issueCertificate,
  type CertificateRequest,
  type KeyPair,
} from './authority.js';
export { openPkiFolder, type PkiFolder } from './folder.js';
export { pkiLimits } from './limits.js';
