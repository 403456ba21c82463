import type { Resource, Verb } from '../resource.js';
import { groupVersionKind, type Json } from './definitions.js';

/** How one version of OpenAPI writes parameters, bodies and answers. */
export interface OperationStyle {
  readonly parameter: (parameter: Parameter) => Json;
  /** The body parameter or requestBody, to be merged into the operation. */
  readonly body: (mediaTypes: readonly string[], schema: Json) => Json;
  readonly answer: (schema: Json) => Json;
}

export interface Parameter {
  readonly name: string;
  readonly in: 'query' | 'path';
  readonly type: 'string' | 'integer' | 'boolean';
}

interface Schemas {
  readonly object: Json;
  readonly list: Json;
}

const query = (name: string, type: Parameter['type'] = 'string'): Parameter => ({ name, in: 'query', type });

const listParameters = [
  query('allowWatchBookmarks', 'boolean'),
  query('continue'),
  query('fieldSelector'),
  query('labelSelector'),
  query('limit', 'integer'),
  query('resourceVersion'),
  query('resourceVersionMatch'),
  query('sendInitialEvents', 'boolean'),
  query('timeoutSeconds', 'integer'),
  query('watch', 'boolean'),
];
/** kubectl has the server check fields only where it finds `fieldValidation` here. */
const writeParameters = [query('dryRun'), query('fieldManager'), query('fieldValidation')];
const patchParameters = [...writeParameters, query('force', 'boolean')];
const deleteParameters = [
  query('dryRun'),
  query('gracePeriodSeconds', 'integer'),
  query('orphanDependents', 'boolean'),
  query('propagationPolicy'),
];

const JSON_TYPE = 'application/json';
const patchTypes = [
  'application/apply-patch+yaml',
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
];

interface OperationShape {
  readonly parameters?: readonly Parameter[];
  /** Absent: no body. */
  readonly bodyTypes?: readonly string[];
  readonly takes?: keyof Schemas;
  readonly gives: keyof Schemas;
}

type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';
type Action = 'list' | 'get' | 'post' | 'put' | 'patch' | 'delete' | 'deletecollection' | 'connect';

const shapes: Readonly<Record<Action, OperationShape & { readonly method: Method }>> = {
  list: { method: 'get', parameters: listParameters, gives: 'list' },
  get: { method: 'get', gives: 'object' },
  post: { method: 'post', parameters: writeParameters, bodyTypes: [JSON_TYPE], gives: 'object' },
  put: { method: 'put', parameters: writeParameters, bodyTypes: [JSON_TYPE], gives: 'object' },
  patch: { method: 'patch', parameters: patchParameters, bodyTypes: patchTypes, gives: 'object' },
  delete: { method: 'delete', parameters: deleteParameters, gives: 'object' },
  deletecollection: {
    method: 'delete',
    parameters: [...deleteParameters, ...listParameters.filter(({ name }) => name !== 'watch')],
    gives: 'list',
  },
  connect: { method: 'get', gives: 'object' },
};

const operation = (resource: Resource, action: Action, schemas: Schemas, style: OperationStyle): Json => {
  const { parameters = [], bodyTypes, gives } = shapes[action];
  const written = parameters.map(style.parameter);
  const body = bodyTypes === undefined ? {} : style.body(bodyTypes, schemas.object);
  const more = Array.isArray(body['parameters']) ? body['parameters'] : [];
  return {
    operationId: `${action}${resource.kind}`,
    ...body,
    parameters: [...written, ...more],
    responses: { '200': style.answer(schemas[gives]) },
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': groupVersionKind(resource),
  };
};

const collectionActions: readonly (readonly [Verb, Action])[] = [
  ['list', 'list'],
  ['create', 'post'],
  ['deletecollection', 'deletecollection'],
];
const objectActions: readonly (readonly [Verb, Action])[] = [
  ['get', 'get'],
  ['update', 'put'],
  ['patch', 'patch'],
  ['delete', 'delete'],
];

const subresourceActions: Readonly<Record<Resource['subresources'][number], readonly Action[]>> = {
  status: ['get', 'put', 'patch'],
  scale: ['get', 'put', 'patch'],
  finalize: ['put'],
  log: ['connect'],
  binding: ['post'],
  eviction: ['post'],
  token: ['post'],
};

/** The kind of what a subresource takes and gives, where it is not the resource's own. */
const subresourceKinds: {
  readonly [subresource: string]: Pick<Resource, 'group' | 'version' | 'kind'> | undefined;
} = {
  scale: { group: 'autoscaling', version: 'v1', kind: 'Scale' },
  binding: { group: '', version: 'v1', kind: 'Binding' },
  eviction: { group: 'policy', version: 'v1', kind: 'Eviction' },
  token: { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' },
};

export const groupVersionPath = ({ group, version }: Pick<Resource, 'group' | 'version'>): string =>
  group === '' ? `api/${version}` : `apis/${group}/${version}`;

const item = (
  resource: Resource,
  actions: readonly Action[],
  schemas: Schemas,
  style: OperationStyle,
): Json =>
  Object.fromEntries(
    actions.map((action) => [shapes[action].method, operation(resource, action, schemas, style)]),
  );

const allowed = (resource: Resource, table: readonly (readonly [Verb, Action])[]): readonly Action[] =>
  table.filter(([verb]) => resource.verbs.includes(verb)).map(([, action]) => action);

const pathParameters = (path: string, style: OperationStyle): Json => {
  const found = [...path.matchAll(/\{(\w+)\}/g)].flatMap(([, name]) => name ?? []);
  return found.length === 0
    ? {}
    : { parameters: found.map((name) => style.parameter({ name, in: 'path', type: 'string' })) };
};

/** Every path of a resource with its operations. */
export const pathsOf = (
  resource: Resource,
  schemas: Schemas,
  style: OperationStyle,
): { readonly [path: string]: Json } => {
  const root = `/${groupVersionPath(resource)}`;
  const everywhere = `${root}/${resource.plural}`;
  const collection = resource.namespaced ? `${root}/namespaces/{namespace}/${resource.plural}` : everywhere;
  const object = `${collection}/{name}`;
  const untyped: Schemas = { object: { type: 'object' }, list: { type: 'object' } };
  const paths: [string, Json][] = [
    [collection, item(resource, allowed(resource, collectionActions), schemas, style)],
    [object, item(resource, allowed(resource, objectActions), schemas, style)],
    ...resource.subresources.map((subresource): [string, Json] => {
      const other = subresourceKinds[subresource];
      const isOwn = other === undefined && subresource !== 'log';
      return [
        `${object}/${subresource}`,
        item({ ...resource, ...other }, subresourceActions[subresource], isOwn ? schemas : untyped, style),
      ];
    }),
    ...(resource.namespaced
      ? [[everywhere, item(resource, ['list'], schemas, style)] as [string, Json]]
      : []),
  ];
  return Object.fromEntries(paths.map(([path, it]) => [path, { ...it, ...pathParameters(path, style) }]));
};
