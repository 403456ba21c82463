import {
  badRequest,
  bareMediaType,
  bool,
  int32,
  int64,
  atomicList,
  obj,
  opt,
  resourceOfKind,
  resources,
  str,
  unsupportedMediaType,
  type ObjectSchema,
} from '@raftsman/api';
import type { Body } from '../registry/target.js';
import { decodeMessage } from './decode.js';
import { wireFields } from './wire.js';

export const protobufType = 'application/vnd.kubernetes.protobuf';

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const authorization = 'io.k8s.api.authorization.v1';
const core = 'io.k8s.api.core.v1';

const metadata = resources[0]!.schema.properties['metadata']!;
const deleteOptions = obj(
  {
    gracePeriodSeconds: opt(int64()),
    preconditions: opt(
      obj({ uid: opt(str()), resourceVersion: opt(str()) }, { name: `${meta}.Preconditions` }),
    ),
    orphanDependents: opt(bool()),
    propagationPolicy: opt(str()),
    dryRun: opt(atomicList(str())),
  },
  { name: `${meta}.DeleteOptions` },
);
const attributes = (name: string, ...fields: readonly string[]): ObjectSchema =>
  obj(Object.fromEntries(fields.map((field) => [field, opt(str())])), { name: `${authorization}.${name}` });

/** What clients send beside the kinds themselves. */
const others: Readonly<Record<string, ObjectSchema>> = {
  DeleteOptions: deleteOptions,
  Binding: obj(
    {
      metadata,
      target: opt(obj({ kind: opt(str()), name: opt(str()) }, { name: `${core}.ObjectReference` })),
    },
    { name: `${core}.Binding` },
  ),
  Eviction: obj({ metadata, deleteOptions: opt(deleteOptions) }, { name: 'io.k8s.api.policy.v1.Eviction' }),
  Scale: obj(
    { metadata, spec: opt(obj({ replicas: opt(int32()) }, { name: 'io.k8s.api.autoscaling.v1.ScaleSpec' })) },
    { name: 'io.k8s.api.autoscaling.v1.Scale' },
  ),
  SelfSubjectReview: obj({ metadata }, { name: 'io.k8s.api.authentication.v1.SelfSubjectReview' }),
  SelfSubjectAccessReview: obj(
    {
      metadata,
      spec: opt(
        obj(
          {
            resourceAttributes: opt(
              attributes(
                'ResourceAttributes',
                'namespace',
                'verb',
                'group',
                'version',
                'resource',
                'subresource',
                'name',
              ),
            ),
            nonResourceAttributes: opt(attributes('NonResourceAttributes', 'path', 'verb')),
          },
          { name: `${authorization}.SelfSubjectAccessReviewSpec` },
        ),
      ),
    },
    { name: `${authorization}.SelfSubjectAccessReview` },
  ),
};

/**
 * Go's typed clients (kubectl create, drain; helm) send protobuf. It is turned into the JSON that it stands for; answers are JSON,
 * which they take as well. Any other body is passed on as it is. Throws 400, 415.
 */
export function withoutProtobuf(body: Body): Body {
  if (bareMediaType(body.contentType) !== protobufType || body.bytes.length === 0) return body;
  const { apiVersion, kind, raw } = openEnvelope(Buffer.from(body.bytes));
  const schema =
    resourceOfKind(apiVersion, kind)?.schema ?? (Object.hasOwn(others, kind) ? others[kind] : undefined);
  if (schema === undefined) throw unsupportedMediaType(['application/json', 'application/yaml']);
  const object = { ...decodeMessage(schema, raw), apiVersion, kind };
  return { bytes: Buffer.from(JSON.stringify(object)), contentType: 'application/json' };
}

const magic = Buffer.from('k8s\0');

/** runtime.Unknown: https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding */
function openEnvelope(bytes: Buffer): {
  readonly apiVersion: string;
  readonly kind: string;
  readonly raw: Buffer;
} {
  if (!bytes.subarray(0, magic.length).equals(magic))
    throw badRequest('the body does not start as Kubernetes protobuf does');
  const type = { apiVersion: '', kind: '' };
  let raw: Buffer = Buffer.alloc(0);
  for (const field of wireFields(bytes.subarray(magic.length))) {
    if (field.kind !== 'bytes') continue;
    if (field.number === 2) raw = field.value;
    if (field.number !== 1) continue;
    for (const part of wireFields(field.value)) {
      if (part.kind !== 'bytes') continue;
      if (part.number === 1) type.apiVersion = part.value.toString();
      if (part.number === 2) type.kind = part.value.toString();
    }
  }
  return { ...type, raw };
}
