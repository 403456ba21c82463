import {
  badRequest,
  conflict,
  invalid,
  isObject,
  jsonClone,
  managerOf,
  notSupported,
  required,
  type KubeObject,
  type Pod,
} from '@raftsman/api';
import { bodyValue } from '../body-value.js';
import type { CoreContext, RequestContext, WriteResult } from '../core.js';
import { recordUpdate } from '../decode.js';
import { isDeleting, timestamp } from '../model.js';
import type { Body, Target, WriteOptions } from '../target.js';
import { updateStored } from '../verbs/update-stored.js';

interface Binding {
  readonly uid: string;
  readonly node: string;
  readonly annotations: Record<string, string>;
}

/** The scheduler's word: the pod runs on this node. A pod is bound at most once. */
export async function bindPod(
  context: CoreContext,
  request: RequestContext,
  target: Target,
  body: Body,
  options: WriteOptions,
): Promise<WriteResult> {
  const binding = parseBinding(target, bodyValue(body).value);
  const manager = managerOf(options.fieldManager, request.userAgent);
  await updateStored(context, request, target, {
    change: (current) => bound(target, current, binding, timestamp(context.now())),
    track: (made, old) => recordUpdate(target.resource, old, made, manager, 'binding', context.now()),
    dryRun: options.dryRun,
  });
  const object = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 } as const;
  return { object, created: true, warnings: [] };
}

function parseBinding(target: Target, value: unknown): Binding {
  const field = (of: unknown, name: string): unknown => (isObject(of) ? of[name] : undefined);
  const text = (of: unknown): string => (typeof of === 'string' ? of : '');
  const metadata = field(value, 'metadata');
  const wanted = field(value, 'target');
  const kind = text(field(wanted, 'kind'));
  const node = text(field(wanted, 'name'));
  const name = text(field(metadata, 'name'));
  const errors = [
    ...(kind === '' || kind === 'Node' ? [] : [notSupported('target.kind', kind, ['Node', '<empty>'])]),
    ...(node === '' ? [required('target.name')] : []),
  ];
  if (errors.length > 0) throw invalid({ group: '', kind: 'Binding' }, name, errors);
  if (name !== '' && name !== target.name) {
    throw badRequest(`name in URL does not match name in Binding object`);
  }
  const annotations = field(metadata, 'annotations');
  return {
    uid: text(field(metadata, 'uid')),
    node,
    annotations: isObject(annotations) ? (annotations as Record<string, string>) : {},
  };
}

function bound(target: Target, current: KubeObject, binding: Binding, now: string): KubeObject {
  const object = jsonClone(current);
  const pod = object as unknown as Pod;
  const refuse = (why: string): never => {
    throw conflict({ group: '', plural: 'pods/binding' }, target.name, why);
  };
  if (isDeleting(current)) refuse(`pod ${target.name} is being deleted, cannot be assigned to a host`);
  if ((pod.spec.nodeName ?? '') !== '') {
    refuse(`pod ${target.name} is already assigned to node ${JSON.stringify(pod.spec.nodeName)}`);
  }
  if (binding.uid !== '') object.metadata.uid = binding.uid;
  pod.spec.nodeName = binding.node;
  pod.metadata.annotations = { ...pod.metadata.annotations, ...binding.annotations };
  if (Object.keys(pod.metadata.annotations).length === 0) delete pod.metadata.annotations;
  const status = (pod.status ??= {});
  const others = (status.conditions ?? []).filter(({ type }) => type !== 'PodScheduled');
  status.conditions = [...others, { type: 'PodScheduled', status: 'True', lastTransitionTime: now }];
  return object;
}
