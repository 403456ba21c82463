import {
  ApiError,
  expired,
  internal,
  requestEntityTooLarge,
  serviceUnavailable,
  timeout,
  tooManyRequests,
} from '@raftsman/api';
import { StorageError } from '../storage/storage-error.js';

/** What a client is told when the store failed. */
export function apiErrorOf(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (!(error instanceof StorageError)) return internal('the request could not be served', error);
  switch (error.code) {
    case 'unavailable':
      return timeout('the store did not answer in time', 1);
    case 'overloaded':
      return tooManyRequests('the store is overloaded, please try again later', 1);
    case 'compacted':
      return expired('The provided continue parameter is too old to display a consistent list result.');
    case 'future':
      return timeout('Too large resource version', 1);
    case 'too-large':
      return requestEntityTooLarge(error.message);
    case 'no-space':
      return serviceUnavailable('the store is full: its space quota is used up');
    case 'corrupt':
    case 'refused':
      return internal(error.message, error);
  }
}
