import {
  applyPatch,
  badRequest,
  bareMediaType,
  int32,
  invalidValue,
  invalid,
  jsonClone,
  managerOf,
  notFound,
  obj,
  opt,
  patchTypes,
  unsupportedMediaType,
  type KubeObject,
} from '@raftsman/api';
import { bodyValue } from '../body-value.js';
import type { CoreContext, RequestContext, WriteResult } from '../core.js';
import { recordUpdate } from '../decode.js';
import type { Body, Target, WriteOptions } from '../target.js';
import { updateStored } from '../verbs/update-stored.js';

/** autoscaling/v1 Scale, as far as it can be patched. */
const scaleSchema = obj({ spec: opt(obj({ replicas: opt(int32()) })) });

interface Scalable {
  spec?: {
    replicas?: number;
    selector?: { matchLabels?: Record<string, string>; matchExpressions?: Expression[] };
  };
  status?: { replicas?: number };
}
interface Expression {
  key: string;
  operator: string;
  values?: string[];
}

/** How many replicas a workload has and wants, without its kind. */
export function scaleOf(object: KubeObject): KubeObject {
  const { spec, status } = object as unknown as Scalable;
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: jsonClone({
      name,
      namespace,
      uid,
      resourceVersion,
      creationTimestamp,
    }) as KubeObject['metadata'],
    spec: { replicas: spec?.replicas ?? 0 },
    status: { replicas: status?.replicas ?? 0, selector: selectorText(spec?.selector) },
  };
}

function selectorText(selector: NonNullable<Scalable['spec']>['selector']): string {
  const labels = Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
  const expressions = (selector?.matchExpressions ?? []).map(({ key, operator, values = [] }) => {
    switch (operator) {
      case 'Exists':
        return key;
      case 'DoesNotExist':
        return `!${key}`;
      default:
        return `${key} ${operator.toLowerCase()} (${values.toSorted().join(',')})`;
    }
  });
  return [...labels.toSorted(), ...expressions].join(',');
}

export async function updateScale(
  context: CoreContext,
  request: RequestContext,
  target: Target,
  body: Body,
  options: WriteOptions,
): Promise<WriteResult> {
  const { value } = bodyValue(body);
  return writeScale(context, request, target, options, () => value);
}

export async function patchScale(
  context: CoreContext,
  request: RequestContext,
  target: Target,
  body: Body,
  options: WriteOptions,
): Promise<WriteResult> {
  if (bareMediaType(body.contentType) === patchTypes.apply) {
    throw unsupportedMediaType([patchTypes.json, patchTypes.merge, patchTypes.strategic]);
  }
  return writeScale(context, request, target, options, (current) => {
    return applyPatch({
      schema: scaleSchema,
      current: scaleOf(current),
      patchBytes: body.bytes,
      contentType: body.contentType,
    }).object;
  });
}

async function writeScale(
  context: CoreContext,
  request: RequestContext,
  target: Target,
  options: WriteOptions,
  wantedFrom: (current: KubeObject) => unknown,
): Promise<WriteResult> {
  const manager = managerOf(options.fieldManager, request.userAgent);
  const object = await updateStored(context, request, target, {
    change: (current) => {
      const wanted = wantedFrom(current) as Partial<KubeObject & Scalable> | null;
      const replicas = replicasOf(target, wanted);
      const changed = jsonClone(current);
      changed['spec'] = { ...(changed['spec'] as object), replicas };
      const { resourceVersion } = wanted?.metadata ?? {};
      if (typeof resourceVersion === 'string') changed.metadata.resourceVersion = resourceVersion;
      return changed;
    },
    track: (made, old) => recordUpdate(target.resource, old, made, manager, 'scale', context.now()),
    dryRun: options.dryRun,
  });
  return { object: scaleOf(object), created: false, warnings: [] };
}

function replicasOf(target: Target, wanted: Partial<KubeObject & Scalable> | null): number {
  if (wanted?.kind !== undefined && wanted.kind !== 'Scale') {
    throw badRequest(`${String(wanted.kind)} in version "v1" cannot be handled as a Scale`);
  }
  if (target.name === '') throw notFound(target.resource, '');
  const replicas: unknown = wanted?.spec?.replicas ?? 0;
  if (typeof replicas !== 'number' || !Number.isInteger(replicas) || replicas > 2 ** 31 - 1) {
    throw badRequest('Scale in version "v1" cannot be handled as a Scale: spec.replicas must be an int32');
  }
  if (replicas < 0) {
    throw invalid({ group: 'autoscaling', kind: 'Scale' }, target.name, [
      invalidValue('spec.replicas', replicas, 'must be greater than or equal to 0'),
    ]);
  }
  return replicas;
}
