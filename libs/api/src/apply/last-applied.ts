import { limits } from '../limits.js';
import type { KubeObject } from '../resource.js';
import type { Schema } from '../schema.js';
import { isObject, measure, withoutNulls } from '../values.js';
import { compare } from './compare.js';
import { difference, emptyFieldSet, type FieldSet } from './field-set.js';
import { fieldSetOf } from './structure.js';
import { trackedPart, withoutUntracked } from './tracked.js';

/** Where `kubectl apply` without --server-side keeps what it applied. */
export const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** The field manager that kubectl applies by, and for which client-side apply is taken over. */
export const KUBECTL = 'kubectl';

const lastApplied = (object: KubeObject | undefined): string | undefined => {
  const annotations = object?.metadata.annotations;
  return annotations !== undefined && Object.hasOwn(annotations, LAST_APPLIED)
    ? annotations[LAST_APPLIED]
    : undefined;
};

/**
 * The fields that kubectl's earlier client-side apply set and that still have its values: with them, a server-side apply by
 * kubectl has no conflict. None if the annotation is missing or not understood.
 */
export const fieldsLastApplied = (live: KubeObject, schema: Schema): FieldSet => {
  const text = lastApplied(live);
  if (text === undefined) return emptyFieldSet;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // A user may write into the annotation what he likes; what does not parse allows nothing.
    return emptyFieldSet;
  }
  if (!isObject(parsed) || parsed['apiVersion'] !== live.apiVersion) return emptyFieldSet;
  if (measure(parsed, limits.depthMax).depth > limits.depthMax) return emptyFieldSet;
  const metadata = isObject(parsed['metadata']) ? parsed['metadata'] : {};
  const applied = trackedPart({ ...parsed, apiVersion: live.apiVersion, kind: live.kind, metadata });
  const { added, modified, removed } = compare(withoutNulls(applied), trackedPart(live), schema);
  return [added, modified, removed].reduce(difference, withoutUntracked(fieldSetOf(applied, schema)));
};

/** kubectl's annotation follows its server-side applies, where there is one, so that a client-side apply may come after. */
export const withLastApplied = (
  object: KubeObject,
  live: KubeObject | undefined,
  applied: KubeObject,
): KubeObject => {
  if (lastApplied(live) === undefined || lastApplied(object) === undefined) return object;
  const { [LAST_APPLIED]: _, ...annotations } = object.metadata.annotations ?? {};
  const { [LAST_APPLIED]: __, ...own } = applied.metadata.annotations ?? {};
  const { managedFields: ___, annotations: ____, ...metadata } = applied.metadata;
  const text = `${JSON.stringify({
    ...applied,
    metadata: Object.keys(own).length === 0 ? metadata : { ...metadata, annotations: own },
  })}\n`;
  const encoder = new TextEncoder();
  const sizeBytes = Object.entries(annotations)
    .flat()
    .concat(LAST_APPLIED, text)
    .reduce((sum, each) => sum + encoder.encode(each).byteLength, 0);
  return {
    ...object,
    metadata: {
      ...object.metadata,
      annotations:
        sizeBytes > limits.annotationsSizeMaxBytes ? annotations : { ...annotations, [LAST_APPLIED]: text },
    },
  };
};
