import { status, type ServiceError } from '@grpc/grpc-js';
import { StorageError } from './storage-error.js';

/** What a failed attempt means: another member may know better, or the answer is final. */
export type Verdict =
  | { readonly kind: 'try-another'; readonly suspectMember: boolean }
  | { readonly kind: 'final'; readonly error: StorageError };

/**
 * Every write of ours is guarded by a mod revision, so that repeating one whose outcome is unknown is safe;
 * that is why attempts which may have reached the store are repeated too.
 */
export function judge(error: ServiceError): Verdict {
  const { details } = error;
  const code: number = error.code;
  switch (code) {
    case status.UNAVAILABLE:
    case status.DEADLINE_EXCEEDED:
    case status.CANCELLED:
    case status.INTERNAL:
    case status.UNKNOWN:
      return { kind: 'try-another', suspectMember: !/leader changed|too many requests/.test(details) };
    case status.RESOURCE_EXHAUSTED:
      if (/space exceeded/.test(details)) return final('no-space', error);
      if (/larger than max|too large/i.test(details)) return final('too-large', error);
      return { kind: 'try-another', suspectMember: false };
    case status.OUT_OF_RANGE:
      return final(/compacted/.test(details) ? 'compacted' : 'future', error);
    case status.INVALID_ARGUMENT:
      return final(/too large/.test(details) ? 'too-large' : 'refused', error);
    default:
      return final('refused', error);
  }
}

function final(code: StorageError['code'], error: ServiceError): Verdict {
  return { kind: 'final', error: new StorageError(code, error.details || error.message, { cause: error }) };
}
