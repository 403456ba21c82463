import {
  apiVersionOf,
  atomicList,
  bool,
  int32,
  int64,
  obj,
  opt,
  resourceOfKind,
  resources,
  str,
  type ObjectSchema,
  type Properties,
} from '@raftsman/api';

const inPackage =
  (name: string) =>
  (kind: string, properties: Properties): ObjectSchema =>
    obj(properties, { name: `${name}.${kind}` });
const meta = inPackage('io.k8s.apimachinery.pkg.apis.meta.v1');
const core = inPackage('io.k8s.api.core.v1');
const policy = inPackage('io.k8s.api.policy.v1');
const autoscaling = inPackage('io.k8s.api.autoscaling.v1');
const authentication = inPackage('io.k8s.api.authentication.v1');
const authorization = inPackage('io.k8s.api.authorization.v1');

const metadata = resources[0]!.schema.properties['metadata']!;
const texts = (...names: readonly string[]): Properties =>
  Object.fromEntries(names.map((name) => [name, opt(str())]));

const deleteOptions = meta('DeleteOptions', {
  gracePeriodSeconds: opt(int64()),
  preconditions: opt(meta('Preconditions', texts('uid', 'resourceVersion'))),
  orphanDependents: opt(bool()),
  propagationPolicy: opt(str()),
  dryRun: opt(atomicList(str())),
});
const resourceAttributes = authorization(
  'ResourceAttributes',
  texts('namespace', 'verb', 'group', 'version', 'resource', 'subresource', 'name'),
);
const nonResourceAttributes = authorization('NonResourceAttributes', texts('path', 'verb'));

/** What clients send beside the kinds themselves, as far as it is read. DeleteOptions come in the group of what is deleted. */
const bodies: Readonly<Record<string, ObjectSchema>> = {
  DeleteOptions: deleteOptions,
  Binding: core('Binding', { metadata, target: opt(core('ObjectReference', texts('kind', 'name'))) }),
  Eviction: policy('Eviction', { metadata, deleteOptions: opt(deleteOptions) }),
  Scale: autoscaling('Scale', {
    metadata,
    spec: opt(autoscaling('ScaleSpec', { replicas: opt(int32()) })),
  }),
  SelfSubjectReview: authentication('SelfSubjectReview', { metadata }),
  SelfSubjectAccessReview: authorization('SelfSubjectAccessReview', {
    metadata,
    spec: opt(
      authorization('SelfSubjectAccessReviewSpec', {
        resourceAttributes: opt(resourceAttributes),
        nonResourceAttributes: opt(nonResourceAttributes),
      }),
    ),
  }),
};

/** The schema of what a body says that it is; undefined: no such kind. */
export const schemaOf = (apiVersion: string, kind: string): ObjectSchema | undefined =>
  resourceOfKind(apiVersion, kind)?.schema ?? (Object.hasOwn(bodies, kind) ? bodies[kind] : undefined);

/** Every schema by which a body may be decoded. */
export const schemas: ReadonlyMap<string, ObjectSchema> = new Map([
  ...resources.map((each) => [`${apiVersionOf(each)}/${each.kind}`, each.schema] as const),
  ...Object.entries(bodies),
]);
