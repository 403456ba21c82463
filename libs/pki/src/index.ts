export {
  createAuthority,
  expiryMs,
  issueCertificate,
  type CertificateRequest,
  type KeyPair,
} from './authority.js';
export { openPkiFolder, PkiError, type PkiFolder } from './folder.js';
export { pkiLimits } from './limits.js';
