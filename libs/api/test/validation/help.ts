import {
  applyDefaults,
  checkFields,
  fieldErrorMessage,
  resourceOfKind,
  validateCreate,
  validateUpdate,
  type KubeObject,
  type Resource,
} from '../../src/index.js';

export interface Draft {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata?: object;
  readonly [field: string]: unknown;
}

const decoded = (draft: Draft): { resource: Resource; object: KubeObject } => {
  const resource = resourceOfKind(draft.apiVersion, draft.kind);
  if (resource === undefined) throw new Error(`no ${draft.kind}`);
  const metadata = { name: 'x', ...(resource.namespaced ? { namespace: 'default' } : {}), ...draft.metadata };
  const { value, error } = checkFields(resource.schema, { ...draft, metadata }, 'Strict');
  if (error !== undefined) throw new Error(error);
  return { resource, object: applyDefaults(resource, value as KubeObject) };
};

/** What is wrong with a draft, once decoded and defaulted, as clients read it. */
export const problems = (draft: Draft): readonly string[] => {
  const { resource, object } = decoded(draft);
  return validateCreate(resource, object).map(fieldErrorMessage);
};

export const updateProblems = (draft: Draft, old: Draft): readonly string[] => {
  const { resource, object } = decoded(draft);
  return validateUpdate(resource, object, decoded(old).object).map(fieldErrorMessage);
};

export const container = { name: 'a', image: 'nginx:1' };
export const pod = (spec: object, metadata: object = {}): Draft => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata,
  spec: { containers: [container], ...spec },
});
export const podWith = (more: object): Draft => pod({ containers: [{ ...container, ...more }] });
export const deployment = (spec: object = {}): Draft => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  spec: {
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [container] } },
    ...spec,
  },
});
export const service = (spec: object): Draft => ({ apiVersion: 'v1', kind: 'Service', spec });
