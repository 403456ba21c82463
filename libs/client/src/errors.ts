import { status as grpcStatus, type ServiceError } from '@grpc/grpc-js';
import {
  ApiError,
  apiErrorFromGrpc,
  apiErrorFromStatus,
  type Status,
  type StatusReason,
} from '@raftsman/api';
import { clientLimits } from './limits.js';
import { protobufFields } from './protobuf-fields.js';

const detailsKey = 'grpc-status-details-bin';

export const hasReason = (error: unknown, ...reasons: StatusReason[]): boolean =>
  error instanceof ApiError && reasons.includes(error.reason);
export const isNotFound = (error: unknown): boolean => hasReason(error, 'NotFound');
export const isConflict = (error: unknown): boolean => hasReason(error, 'Conflict');
export const isAlreadyExists = (error: unknown): boolean => hasReason(error, 'AlreadyExists');
export const isExpired = (error: unknown): boolean => hasReason(error, 'Expired', 'Gone');
/** The namespace goes: nothing can be made in it any more. */
export const isNamespaceTerminating = (error: unknown): boolean =>
  error instanceof ApiError &&
  (error.status.details?.causes ?? []).some((cause) => cause.reason === 'NamespaceTerminating');

export function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && typeof (error as Partial<ServiceError>).code === 'number';
}

/** The Status that the server sent along, or the nearest one to the gRPC code. */
export function toApiError(error: ServiceError): ApiError {
  const detail = error.metadata?.get(detailsKey)[0];
  if (Buffer.isBuffer(detail) && detail.length <= clientLimits.statusDetailBytesMax) {
    const status = parseStatusDetail(detail);
    if (status !== undefined) return apiErrorFromStatus(status);
  }
  return apiErrorFromGrpc(error.code, error.details);
}

/** Answers whether another server could do better: nobody answered, or the one that did cannot reach its store. */
export function isTransient(error: ServiceError): boolean {
  return error.code === grpcStatus.UNAVAILABLE || error.code === grpcStatus.DEADLINE_EXCEEDED;
}

/** google.rpc.Status { 3: Any { 2: KubernetesStatus { 1: JSON } } }; undefined if it is not that. */
function parseStatusDetail(bytes: Uint8Array): Status | undefined {
  try {
    const any = protobufFields(bytes).get(3);
    const detail = any === undefined ? undefined : protobufFields(any).get(2);
    const json = detail === undefined ? undefined : protobufFields(detail).get(1);
    if (json === undefined) return undefined;
    const status: unknown = JSON.parse(Buffer.from(json).toString());
    return isStatus(status) ? status : undefined;
  } catch (error) {
    if (error instanceof RangeError || error instanceof SyntaxError) return undefined; // not ours: the code has to do
    throw error;
  }
}

function isStatus(value: unknown): value is Status {
  return (
    typeof value === 'object' &&
    value !== null &&
    (value as { kind?: unknown }).kind === 'Status' &&
    typeof (value as { code?: unknown }).code === 'number'
  );
}
