import type { Resource } from '../resource.js';
import { failure, type ApiError, type StatusCause } from './api-error.js';
import { aggregateMessages, fieldErrorBody, fieldErrorMessage, type FieldError } from './field-error.js';

/**
 * One constructor per refusal, in Kubernetes' words (k8s.io/apimachinery/pkg/api/errors), since kubectl, client-go and
 * scripts go by reason and message alike.
 */

export type GroupResource = Pick<Resource, 'group' | 'plural'>;
export type GroupKind = Pick<Resource, 'group' | 'kind'>;

const qualified = (name: string, group: string): string => (group === '' ? name : `${name}.${group}`);

/** `deployments.apps`, `pods` */
const qualifiedResource = ({ plural, group }: GroupResource): string => qualified(plural, group);
/** `Deployment.apps`, `Pod` */
const qualifiedKind = ({ kind, group }: GroupKind): string => qualified(kind, group);

const detailsOf = (resource: GroupResource, name = ''): { name: string; group: string; kind: string } => ({
  name,
  group: resource.group,
  kind: resource.plural,
});

export const notFound = (resource: GroupResource, name: string): ApiError =>
  failure(
    404,
    'NotFound',
    `${qualifiedResource(resource)} ${JSON.stringify(name)} not found`,
    detailsOf(resource, name),
  );

/** A path that no API serves. */
export const pathNotFound = (): ApiError =>
  failure(404, 'NotFound', 'the server could not find the requested resource', {});

export const alreadyExists = (resource: GroupResource, name: string): ApiError =>
  failure(
    409,
    'AlreadyExists',
    `${qualifiedResource(resource)} ${JSON.stringify(name)} already exists`,
    detailsOf(resource, name),
  );

/** Every name drawn for `generateName` was taken. */
export const generateNameConflict = (
  resource: GroupResource,
  name: string,
  retryAfterSeconds: number,
): ApiError =>
  failure(
    409,
    'AlreadyExists',
    `${qualifiedResource(resource)} ${JSON.stringify(name)} already exists, the server was not able to generate a unique name for the object`,
    { ...detailsOf(resource, name), retryAfterSeconds },
  );

const modifiedMessage =
  'the object has been modified; please apply your changes to the latest version and try again';

/** Optimistic concurrency lost, or another precondition that `why` names. */
export const conflict = (resource: GroupResource, name: string, why = modifiedMessage): ApiError =>
  failure(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${qualifiedResource(resource)} ${JSON.stringify(name)}: ${why}`,
    detailsOf(resource, name),
  );

/** Server-side apply met fields that others own; `causes` have reason FieldManagerConflict. */
export const applyConflict = (causes: readonly StatusCause[], message: string): ApiError =>
  failure(409, 'Conflict', message, { causes: [...causes] });

/** `name` may be empty where the object has none. */
export const invalid = (kind: GroupKind, name: string, errors: readonly FieldError[]): ApiError => {
  const text = aggregateMessages(errors.map(fieldErrorMessage));
  const head = `${qualifiedKind(kind)} ${JSON.stringify(name)} is invalid`;
  return failure(422, 'Invalid', text === '' ? head : `${head}: ${text}`, {
    name,
    group: kind.group,
    kind: kind.kind,
    causes: errors.map((error) => ({
      reason: error.type,
      message: fieldErrorBody(error),
      field: error.field,
    })),
  });
};

/** A request that cannot be carried out on this object, such as a JSON patch whose test fails. */
export const unprocessable = (message: string): ApiError => failure(422, 'Invalid', message, {});

export const badRequest = (message: string): ApiError => failure(400, 'BadRequest', message);

export const unauthorized = (message = 'Unauthorized'): ApiError => failure(401, 'Unauthorized', message);

export const forbidden = (resource: GroupResource, name: string, why: string): ApiError => {
  const named = name === '' ? '' : ` ${JSON.stringify(name)}`;
  return failure(
    403,
    'Forbidden',
    `${qualifiedResource(resource)}${named} is forbidden: ${why}`,
    detailsOf(resource, name),
  );
};

/** What an authoriser was asked. */
export interface Access {
  readonly user: string;
  /** Kubernetes' verbs, and HTTP's in lower case for a path. */
  readonly verb: string;
  readonly target:
    | {
        readonly group: string;
        readonly plural: string;
        readonly subresource?: string;
        /** Absent: cluster scope. */
        readonly namespace?: string;
        readonly name?: string;
      }
    | { readonly path: string };
}

/** `why`: the authoriser's own words, if it has any. */
export const accessDenied = ({ user, verb, target }: Access, why = ''): ApiError => {
  const reason = why === '' ? '' : `: ${why}`;
  if ('path' in target) {
    const text = `User ${JSON.stringify(user)} cannot ${verb} path ${JSON.stringify(target.path)}${reason}`;
    return failure(403, 'Forbidden', `forbidden: ${text}`, {});
  }
  const { group, plural, subresource = '', namespace = '', name = '' } = target;
  const resource = subresource === '' ? plural : `${plural}/${subresource}`;
  const scope = namespace === '' ? 'at the cluster scope' : `in the namespace ${JSON.stringify(namespace)}`;
  return forbidden(
    { group, plural },
    name,
    `User ${JSON.stringify(user)} cannot ${verb} resource ${JSON.stringify(resource)} in API group ${JSON.stringify(group)} ${scope}${reason}`,
  );
};

export const methodNotSupported = (resource: GroupResource, action: string): ApiError =>
  failure(
    405,
    'MethodNotAllowed',
    `${action} is not supported on resources of kind ${JSON.stringify(qualifiedResource(resource))}`,
    detailsOf(resource),
  );

/** A revision that is compacted: a list's continuation, a watch's start. The client lists anew. */
export const expired = (message: string): ApiError => failure(410, 'Expired', message);

/** `oldest`: the first resourceVersion from which a watch can still be served. */
export const watchTooOld = (requested: string, oldest: string): ApiError =>
  expired(`too old resource version: ${requested} (${oldest})`);

export const gone = (message: string): ApiError => failure(410, 'Gone', message);

/** `resourceVersion` lies in the future of this apiserver's cache; the client tries again. */
export const tooLargeResourceVersion = (
  requested: string,
  current: string,
  retryAfterSeconds: number,
): ApiError =>
  failure(504, 'Timeout', `Timeout: Too large resource version: ${requested}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds,
  });

export const requestEntityTooLarge = (message: string): ApiError =>
  failure(413, 'RequestEntityTooLarge', `Request entity too large: ${message}`);

export const unsupportedMediaType = (accepted: readonly string[]): ApiError =>
  failure(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  );

export const notAcceptable = (accepted: readonly string[]): ApiError =>
  failure(406, 'NotAcceptable', `only the following media types are accepted: ${accepted.join(', ')}`);

export const timeout = (message: string, retryAfterSeconds = 0): ApiError =>
  failure(504, 'Timeout', `Timeout: ${message}`, retryAfterSeconds === 0 ? {} : { retryAfterSeconds });

/** A transient failure on the server's side, such as a store without a leader. */
export const serverTimeout = (
  resource: GroupResource,
  operation: string,
  retryAfterSeconds: number,
): ApiError =>
  failure(
    500,
    'ServerTimeout',
    `The ${operation} operation against ${qualifiedResource(resource)} could not be completed at this time, please try again.`,
    { ...detailsOf(resource, operation), retryAfterSeconds },
  );

export const tooManyRequests = (message: string, retryAfterSeconds: number): ApiError =>
  failure(429, 'TooManyRequests', message, { retryAfterSeconds });

/** `cause` goes to the log; the client is told `message`. */
export const internal = (message: string, cause?: unknown): ApiError =>
  failure(500, 'InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] }, cause);

export const serviceUnavailable = (message: string): ApiError => failure(503, 'ServiceUnavailable', message);
