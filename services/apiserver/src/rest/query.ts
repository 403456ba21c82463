import { badRequest } from '@raftsman/api';
import {
  noDeleteOptions,
  parseDryRun,
  parseGracePeriod,
  parsePropagation,
} from '../registry/delete-options.js';
import type {
  DeleteOptions,
  FieldValidation,
  ListOptions,
  WatchOptions,
  WriteOptions,
} from '../registry/target.js';

/** The query parameters of each verb. All throw 400. */

const flag = (query: URLSearchParams, name: string): boolean | undefined => {
  const value = query.get(name);
  switch (value) {
    case null:
    case '':
      return undefined;
    case 'true':
    case '1':
      return true;
    case 'false':
    case '0':
      return false;
    default:
      throw badRequest(`${name} must be true or false, not ${JSON.stringify(value)}`);
  }
};

export const wholeNumber = (query: URLSearchParams, name: string): number | undefined => {
  const value = query.get(name);
  if (value === null || value === '') return undefined;
  if (!/^\d{1,15}$/.test(value))
    throw badRequest(`${name} must be a whole number, not ${JSON.stringify(value)}`);
  return Number(value);
};

export const boolean = (query: URLSearchParams, name: string): boolean => flag(query, name) === true;

const selectors = (query: URLSearchParams): { labelSelector: string; fieldSelector: string } => ({
  labelSelector: query.get('labelSelector') ?? '',
  fieldSelector: query.get('fieldSelector') ?? '',
});

export const listOptions = (query: URLSearchParams): ListOptions => ({
  ...selectors(query),
  resourceVersion: query.get('resourceVersion') ?? '',
  resourceVersionMatch: query.get('resourceVersionMatch') ?? '',
  limit: wholeNumber(query, 'limit') ?? 0,
  continueToken: query.get('continue') ?? '',
});

export const watchOptions = (query: URLSearchParams): WatchOptions => ({
  ...selectors(query),
  resourceVersion: query.get('resourceVersion') ?? '',
  resourceVersionMatch: query.get('resourceVersionMatch') ?? '',
  allowBookmarks: boolean(query, 'allowWatchBookmarks'),
  sendInitialEvents: flag(query, 'sendInitialEvents'),
});

export const writeOptions = (query: URLSearchParams): WriteOptions => ({
  dryRun: parseDryRun(query.getAll('dryRun')),
  fieldManager: query.get('fieldManager') ?? '',
  fieldValidation: fieldValidation(query.get('fieldValidation') ?? ''),
  force: boolean(query, 'force'),
});

function fieldValidation(value: string): FieldValidation {
  switch (value) {
    // As in Kubernetes: what a client that says nothing gets wrong, it is told but not denied.
    case '':
      return 'Warn';
    case 'Strict':
    case 'Warn':
    case 'Ignore':
      return value;
    default:
      throw badRequest(
        `fieldValidation: Unsupported value: ${JSON.stringify(value)}: supported values: "", "Ignore", "Strict", "Warn"`,
      );
  }
}

/** For a DELETE without a body; with one, the body counts. */
export const deleteOptions = (query: URLSearchParams): DeleteOptions => ({
  ...noDeleteOptions,
  dryRun: parseDryRun(query.getAll('dryRun')),
  gracePeriodSeconds: parseGracePeriod(wholeNumber(query, 'gracePeriodSeconds')),
  propagationPolicy: parsePropagation(query.get('propagationPolicy')),
});
