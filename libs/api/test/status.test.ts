import { describe, expect, it } from 'vitest';
import {
  accessDenied,
  alreadyExists,
  apiErrorFromGrpc,
  apiErrorFromStatus,
  badRequest,
  conflict,
  expired,
  fieldErrorMessage,
  forbidden,
  forbiddenField,
  gone,
  grpcCodeOf,
  grpcCodes,
  internal,
  invalid,
  invalidValue,
  methodNotSupported,
  notAcceptable,
  notFound,
  notSupported,
  requestEntityTooLarge,
  required,
  serverTimeout,
  serviceUnavailable,
  timeout,
  tooLargeResourceVersion,
  tooLong,
  tooMany,
  tooManyRequests,
  typeInvalid,
  unauthorized,
  unsupportedMediaType,
} from '../src/status/index.js';

const pods = { group: '', plural: 'pods', kind: 'Pod' };
const deployments = { group: 'apps', plural: 'deployments', kind: 'Deployment' };

describe('a Status has the shape and the words of Kubernetes', () => {
  it('for an object that is not there', () => {
    expect(notFound(pods, 'x').status).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'pods "x" not found',
      reason: 'NotFound',
      details: { name: 'x', kind: 'pods' },
      code: 404,
    });
    expect(notFound(deployments, 'x').status.details).toEqual({
      name: 'x',
      group: 'apps',
      kind: 'deployments',
    });
  });

  it.each([
    [alreadyExists(deployments, 'x'), 409, 'AlreadyExists', 'deployments.apps "x" already exists'],
    [
      conflict(deployments, 'x'),
      409,
      'Conflict',
      'Operation cannot be fulfilled on deployments.apps "x": the object has been modified; please apply your changes to the latest version and try again',
    ],
    [badRequest('no'), 400, 'BadRequest', 'no'],
    [unauthorized(), 401, 'Unauthorized', 'Unauthorized'],
    [forbidden(pods, 'x', 'not today'), 403, 'Forbidden', 'pods "x" is forbidden: not today'],
    [
      methodNotSupported(pods, 'patch'),
      405,
      'MethodNotAllowed',
      'patch is not supported on resources of kind "pods"',
    ],
    [
      notAcceptable(['application/json', 'application/yaml']),
      406,
      'NotAcceptable',
      'only the following media types are accepted: application/json, application/yaml',
    ],
    [expired('old'), 410, 'Expired', 'old'],
    [gone('old'), 410, 'Gone', 'old'],
    [
      requestEntityTooLarge('limit is 3'),
      413,
      'RequestEntityTooLarge',
      'Request entity too large: limit is 3',
    ],
    [
      unsupportedMediaType(['application/json']),
      415,
      'UnsupportedMediaType',
      'the body of the request was in an unknown format - accepted media types include: application/json',
    ],
    [tooManyRequests('slow down', 1), 429, 'TooManyRequests', 'slow down'],
    [internal('oops'), 500, 'InternalError', 'Internal error occurred: oops'],
    [
      serverTimeout(pods, 'list', 2),
      500,
      'ServerTimeout',
      'The list operation against pods could not be completed at this time, please try again.',
    ],
    [serviceUnavailable('starting'), 503, 'ServiceUnavailable', 'starting'],
    [timeout('no answer'), 504, 'Timeout', 'Timeout: no answer'],
    [
      tooLargeResourceVersion('9', '5', 1),
      504,
      'Timeout',
      'Timeout: Too large resource version: 9, current: 5',
    ],
  ])('%s', (error, code, reason, message) => {
    expect([error.code, error.reason, error.message]).toEqual([code, reason, message]);
    expect(error.status).toMatchObject({ code, reason, message, status: 'Failure' });
  });

  it('for what a user may not do', () => {
    const target = { group: '', plural: 'pods', namespace: 'default' };
    expect(accessDenied({ user: 'u', verb: 'list', target }).message).toBe(
      'pods is forbidden: User "u" cannot list resource "pods" in API group "" in the namespace "default"',
    );
    expect(
      accessDenied(
        {
          user: 'u',
          verb: 'update',
          target: { group: '', plural: 'nodes', subresource: 'status', name: 'n' },
        },
        'why',
      ).message,
    ).toBe(
      'nodes "n" is forbidden: User "u" cannot update resource "nodes/status" in API group "" at the cluster scope: why',
    );
    expect(accessDenied({ user: 'u', verb: 'get', target: { path: '/metrics' } }).message).toBe(
      'forbidden: User "u" cannot get path "/metrics"',
    );
  });

  it('for fields that are not valid: one, several, each once', () => {
    const negative = invalidValue('spec.replicas', -1, 'must be greater than or equal to 0');
    expect(invalid(deployments, 'x', [negative]).message).toBe(
      'Deployment.apps "x" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0',
    );
    const both = invalid(pods, 'x', [negative, required('spec.containers'), negative]);
    expect(both.message).toBe(
      'Pod "x" is invalid: [spec.replicas: Invalid value: -1: must be greater than or equal to 0, spec.containers: Required value]',
    );
    expect(both.status.details?.causes?.[1]).toEqual({
      reason: 'FieldValueRequired',
      message: 'Required value',
      field: 'spec.containers',
    });
    expect(invalid(pods, 'x', []).message).toBe('Pod "x" is invalid');
  });

  it.each([
    [invalidValue('a', 'x', 'bad'), 'a: Invalid value: "x": bad'],
    [invalidValue('a', null, 'bad'), 'a: Invalid value: null: bad'],
    [typeInvalid('a', { b: 1 }, 'bad'), 'a: Invalid value: {"b":1}: bad'],
    [notSupported('a', 'x', ['b', 'c']), 'a: Unsupported value: "x": supported values: "b", "c"'],
    [forbiddenField('a', 'may not be set'), 'a: Forbidden: may not be set'],
    [tooLong('a', 'xxxx', 3), 'a: Too long: may not be more than 3 bytes'],
    [tooMany('a', 4, 3), 'a: Too many: 4: must have at most 3 items'],
  ])('%o', (error, message) => {
    expect(fieldErrorMessage(error)).toBe(message);
  });

  it('a huge value does not make a huge message', () => {
    expect(fieldErrorMessage(invalidValue('a', 'x'.repeat(1e6), 'bad')).length).toBeLessThan(2000);
  });
});

describe('the gRPC code of a Status', () => {
  it('follows the reason, else the HTTP code', () => {
    expect(grpcCodeOf(conflict(pods, 'x').status)).toBe(grpcCodes.aborted);
    expect(grpcCodeOf(expired('x').status)).toBe(grpcCodes.outOfRange);
    expect(grpcCodeOf({ status: 'Failure', code: 404 })).toBe(grpcCodes.notFound);
    expect(grpcCodeOf({ status: 'Failure', code: 502, reason: 'constructor' })).toBe(grpcCodes.unavailable);
    expect(grpcCodeOf({ status: 'Failure', code: 418 })).toBe(grpcCodes.unknown);
    expect(grpcCodeOf({ status: 'Success', code: 200 })).toBe(grpcCodes.ok);
  });

  it('comes back as the same kind of error', () => {
    for (const error of [notFound(pods, 'x'), alreadyExists(pods, 'x'), conflict(pods, 'x'), expired('x')]) {
      const back = apiErrorFromGrpc(grpcCodeOf(error.status), error.message);
      expect([back.code, back.reason, back.message]).toEqual([error.code, error.reason, error.message]);
      expect(apiErrorFromStatus(error.status).status).toEqual(error.status);
    }
    expect(apiErrorFromGrpc(2, 'x').code).toBe(500);
  });
});
