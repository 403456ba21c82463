import { ApiError, failure, type Status, type StatusReason } from './api-error.js';

/** The codes of https://grpc.io/docs/guides/status-codes/ that a Status maps to. */
export const grpcCodes = {
  ok: 0,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

const codeByReason: Readonly<Record<Exclude<StatusReason, ''>, number>> = {
  Unauthorized: grpcCodes.unauthenticated,
  Forbidden: grpcCodes.permissionDenied,
  NotFound: grpcCodes.notFound,
  AlreadyExists: grpcCodes.alreadyExists,
  Conflict: grpcCodes.aborted,
  Gone: grpcCodes.outOfRange,
  Invalid: grpcCodes.invalidArgument,
  ServerTimeout: grpcCodes.unavailable,
  Timeout: grpcCodes.deadlineExceeded,
  TooManyRequests: grpcCodes.resourceExhausted,
  BadRequest: grpcCodes.invalidArgument,
  MethodNotAllowed: grpcCodes.unimplemented,
  NotAcceptable: grpcCodes.invalidArgument,
  RequestEntityTooLarge: grpcCodes.resourceExhausted,
  UnsupportedMediaType: grpcCodes.invalidArgument,
  InternalError: grpcCodes.internal,
  Expired: grpcCodes.outOfRange,
  ServiceUnavailable: grpcCodes.unavailable,
};

/** For statuses without a reason that we know: a proxy's, a newer server's. */
const codeByHttp = (code: number): number => {
  switch (code) {
    case 400:
    case 406:
    case 415:
    case 422:
      return grpcCodes.invalidArgument;
    case 401:
      return grpcCodes.unauthenticated;
    case 403:
      return grpcCodes.permissionDenied;
    case 404:
      return grpcCodes.notFound;
    case 405:
      return grpcCodes.unimplemented;
    case 409:
      return grpcCodes.aborted;
    case 410:
      return grpcCodes.outOfRange;
    case 413:
    case 429:
      return grpcCodes.resourceExhausted;
    case 502:
    case 503:
      return grpcCodes.unavailable;
    case 504:
      return grpcCodes.deadlineExceeded;
    default:
      return code >= 500 ? grpcCodes.internal : grpcCodes.unknown;
  }
};

/** The nearest gRPC code of a Status. */
export const grpcCodeOf = (
  status: Pick<Status, 'status' | 'code'> & { readonly reason?: string },
): number => {
  if (status.status === 'Success') return grpcCodes.ok;
  const byReason: Readonly<Record<string, number>> = codeByReason;
  const reason = status.reason ?? '';
  return (Object.hasOwn(byReason, reason) ? byReason[reason] : undefined) ?? codeByHttp(status.code);
};

/** An error that came as a Status, whole: over REST, or in the details of a gRPC error. */
export const apiErrorFromStatus = (status: Status): ApiError =>
  new ApiError({ ...status, status: 'Failure', code: status.code > 0 ? status.code : 500 });

const fromGrpc: Readonly<Record<number, readonly [code: number, reason: StatusReason]>> = {
  [grpcCodes.invalidArgument]: [400, 'BadRequest'],
  [grpcCodes.deadlineExceeded]: [504, 'Timeout'],
  [grpcCodes.notFound]: [404, 'NotFound'],
  [grpcCodes.alreadyExists]: [409, 'AlreadyExists'],
  [grpcCodes.permissionDenied]: [403, 'Forbidden'],
  [grpcCodes.resourceExhausted]: [429, 'TooManyRequests'],
  [grpcCodes.failedPrecondition]: [409, 'Conflict'],
  [grpcCodes.aborted]: [409, 'Conflict'],
  [grpcCodes.outOfRange]: [410, 'Expired'],
  [grpcCodes.unimplemented]: [405, 'MethodNotAllowed'],
  [grpcCodes.internal]: [500, 'InternalError'],
  [grpcCodes.unavailable]: [503, 'ServiceUnavailable'],
  [grpcCodes.unauthenticated]: [401, 'Unauthorized'],
};

/** An error that came without a Status: gRPC's own (no connection, deadline) or a foreign server's. */
export const apiErrorFromGrpc = (grpcCode: number, message: string): ApiError => {
  const [code, reason] = fromGrpc[grpcCode] ?? [500, '' as const];
  return failure(code, reason, message);
};
