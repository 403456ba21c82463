import { badRequest, isObject } from '@raftsman/api';
import type { DeleteOptions, PropagationPolicy } from './target.js';

const policies: readonly PropagationPolicy[] = ['Orphan', 'Background', 'Foreground'];

export const noDeleteOptions: DeleteOptions = {
  dryRun: false,
  gracePeriodSeconds: undefined,
  propagationPolicy: undefined,
  preconditionUid: '',
  preconditionResourceVersion: '',
};

/** The body of a DELETE: metav1.DeleteOptions. Throws 400. */
export function parseDeleteOptions(value: unknown): DeleteOptions {
  if (!isObject(value)) throw badRequest('the body is not DeleteOptions');
  if (value['kind'] !== undefined && value['kind'] !== 'DeleteOptions') {
    throw badRequest(`the body is not DeleteOptions but ${JSON.stringify(value['kind'])}`);
  }
  const preconditions = value['preconditions'] ?? {};
  if (!isObject(preconditions)) throw badRequest('preconditions must be an object');
  return {
    dryRun: parseDryRun(value['dryRun'] ?? []),
    gracePeriodSeconds: parseGracePeriod(value['gracePeriodSeconds']),
    propagationPolicy: parsePropagation(value['propagationPolicy'], value['orphanDependents']),
    preconditionUid: text(preconditions['uid'], 'preconditions.uid'),
    preconditionResourceVersion: text(preconditions['resourceVersion'], 'preconditions.resourceVersion'),
  };
}

function text(value: unknown, field: string): string {
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string') throw badRequest(`${field} must be a string`);
  return value;
}

export function parseGracePeriod(value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || Math.abs(value) > 2 ** 31) {
    throw badRequest('gracePeriodSeconds must be a whole number of seconds');
  }
  return value;
}

export function parsePropagation(value: unknown, orphan?: unknown): PropagationPolicy | undefined {
  if (value === undefined || value === null || value === '') {
    return orphan === true ? 'Orphan' : orphan === false ? 'Background' : undefined;
  }
  const policy = policies.find((each) => each === value);
  if (policy === undefined) {
    throw badRequest(`propagationPolicy must be one of ${policies.join(', ')}, not ${JSON.stringify(value)}`);
  }
  return policy;
}

/** Only `All` is known, as in Kubernetes. */
export function parseDryRun(value: unknown): boolean {
  if (!Array.isArray(value)) throw badRequest('dryRun must be a list');
  const other = value.find((each) => each !== 'All');
  if (other !== undefined)
    throw badRequest(`dryRun: Unsupported value: ${JSON.stringify(other)}: supported values: "All"`);
  return value.length > 0;
}
