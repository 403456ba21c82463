/**
 * Why the store did not answer as asked.
 * - `unavailable`: no member answered in time. A write may or may not have taken effect.
 * - `compacted`: the revision is older than etcd's history.
 * - `future`: the revision is newer than etcd's newest.
 * - `too-large`: the value is bigger than the store takes.
 * - `no-space`: the store's quota is used up.
 * - `overloaded`: the store takes no more requests for now.
 * - `corrupt`: a value is not what an apiserver writes.
 * - `refused`: anything else the store answered, such as a certificate that it does not trust.
 */
export type StorageErrorCode =
  'unavailable' | 'compacted' | 'future' | 'too-large' | 'no-space' | 'overloaded' | 'corrupt' | 'refused';

export class StorageError extends Error {
  readonly code: StorageErrorCode;
  constructor(code: StorageErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StorageError';
    this.code = code;
  }
}
