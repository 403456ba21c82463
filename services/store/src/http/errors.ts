import { STATUS_CODES } from 'node:http';
import { CallError, status } from '@raftsman/wire';
import { JsonError } from './json-values.js';

/** grpc-gateway's mapping, as the version in etcd 3.4 and 3.5 has it. */
const httpStatus: Readonly<Record<status, number>> = {
  [status.OK]: 200,
  [status.CANCELLED]: 408,
  [status.UNKNOWN]: 500,
  [status.INVALID_ARGUMENT]: 400,
  [status.DEADLINE_EXCEEDED]: 504,
  [status.NOT_FOUND]: 404,
  [status.ALREADY_EXISTS]: 409,
  [status.PERMISSION_DENIED]: 403,
  [status.UNAUTHENTICATED]: 401,
  [status.RESOURCE_EXHAUSTED]: 429,
  [status.FAILED_PRECONDITION]: 412,
  [status.ABORTED]: 409,
  [status.OUT_OF_RANGE]: 400,
  [status.UNIMPLEMENTED]: 501,
  [status.INTERNAL]: 500,
  [status.UNAVAILABLE]: 503,
  [status.DATA_LOSS]: 500,
};

export const httpStatusOf = (code: status): number => httpStatus[code] ?? 500;

/** The refusal that an error stands for; undefined: it is a bug. */
export function toCallError(error: unknown): CallError | undefined {
  if (error instanceof CallError) return error;
  if (error instanceof JsonError) return new CallError(status.INVALID_ARGUMENT, error.message);
  return undefined;
}

/** The body of an answer that is an error. */
export const errorBody = ({ code, details }: CallError): string =>
  JSON.stringify({ error: details, message: details, code });

/** The last line of a stream that ends with an error. */
export function streamErrorBody({ code, details }: CallError): string {
  const http = httpStatusOf(code);
  const error = { grpc_code: code, http_code: http, message: details, http_status: STATUS_CODES[http] };
  return `${JSON.stringify({ error })}\n`;
}
