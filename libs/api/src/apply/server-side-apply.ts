import type { KubeObject } from '../resource.js';
import type { ObjectSchema } from '../schema.js';
import { badRequest } from '../status/index.js';
import { deepEqual, withoutNulls } from '../values.js';
import { compare } from './compare.js';
import { conflictError, conflictingFields, conflictsWith, type Conflict } from './conflicts.js';
import { difference, emptyFieldSet, isEmptySet, recursiveDifference, union } from './field-set.js';
import { fieldsLastApplied, KUBECTL, withLastApplied } from './last-applied.js';
import {
  decodeManagers,
  encodeManagers,
  managerKey,
  managersOf,
  sameManagers,
  type Manager,
  type Managers,
} from './managers.js';
import { mergeApplied } from './merge.js';
import { prune } from './prune.js';
import { fieldSetOf, problemsOf } from './structure.js';
import { trackedPart, untrackedPart, wholeObject, withManagedFields, withoutUntracked } from './tracked.js';

export interface ApplyRequest {
  readonly schema: ObjectSchema;
  /** As stored; undefined: the apply creates. */
  readonly live: KubeObject | undefined;
  /** What the client wants, decoded by the schema but not defaulted: a default that it does not name is not its own. */
  readonly applied: KubeObject;
  /** The fieldManager parameter. */
  readonly manager: string;
  /** Take over fields that others own. */
  readonly force: boolean;
  /** The version that the path names. */
  readonly apiVersion: string;
  /** Empty or absent: the main resource, whose applies leave `status` alone; `status`: those that touch nothing else. */
  readonly subresource?: string;
  /** RFC 3339 with seconds. */
  readonly time: string;
  /**
   * What `applyDefaults` makes of the merged object, before it is compared: an atomic value that is applied without its defaults
   * is then no change of the same value that is stored with them. Absent: none.
   */
  readonly defaults?: (object: KubeObject) => KubeObject;
}

export interface ApplyResult {
  /** Defaulted if the request says how; not yet validated. */
  readonly object: KubeObject;
  /** False: the object is as it was, up to the times in managedFields, and nothing needs to be written. */
  readonly changed: boolean;
}

interface Merged {
  readonly tracked: unknown;
  readonly managers: Managers;
  /** Fields that change although others own them. */
  readonly conflicts: readonly Conflict[];
}

/**
 * https://kubernetes.io/docs/reference/using-api/server-side-apply/
 * Throws 400 for a configuration that cannot be applied, 409 with a cause per field for conflicts.
 */
export const serverSideApply = (request: ApplyRequest): ApplyResult => {
  const { schema, live, manager, force, apiVersion, subresource = '', time, defaults = same } = request;
  const applied = checked(request);
  const before = live === undefined ? undefined : trackedPart(live);
  const self: Manager = {
    name: manager,
    operation: 'Apply',
    apiVersion,
    subresource,
    time,
    fields: emptyFieldSet,
  };
  const known = live === undefined ? managersOf([]) : managersOfLive(live, before, apiVersion, schema);
  const server = withPreconditions(untrackedPart(live ?? applied), applied);
  const merged = merge({
    before: before ?? {},
    applied: scoped(trackedPart(applied), schema, subresource),
    known,
    self,
    schema,
    defaults: (tracked) => trackedPart(defaults(wholeObject(server, tracked))),
  });
  if (!force && merged.conflicts.length > 0) {
    const allowed =
      manager === KUBECTL && live !== undefined ? fieldsLastApplied(live, schema) : emptyFieldSet;
    const conflicts = merged.conflicts
      .map((conflict) => ({ ...conflict, fields: difference(conflict.fields, allowed) }))
      .filter(({ fields }) => !isEmptySet(fields));
    if (conflicts.length > 0) throw conflictError(conflicts);
  }
  const whole = wholeObject(server, merged.tracked);
  const object = manager === KUBECTL ? withLastApplied(whole, live, applied) : whole;
  const changed =
    live === undefined || !deepEqual(before, trackedPart(object)) || !sameManagers(known, merged.managers);
  return changed
    ? { object: withManagedFields(object, encodeManagers(merged.managers)), changed }
    : { object: withManagedFields(object, live.metadata.managedFields ?? []), changed };
};

const same = (object: KubeObject): KubeObject => object;

const checked = ({ applied, apiVersion, schema }: ApplyRequest): KubeObject => {
  if (applied.apiVersion !== apiVersion) {
    throw badRequest(
      `Incorrect version specified in apply patch. Specified patch version: ${applied.apiVersion}, expected: ${apiVersion}`,
    );
  }
  if (applied.metadata.managedFields !== undefined && applied.metadata.managedFields !== null) {
    throw badRequest('metadata.managedFields must be nil');
  }
  const problems = problemsOf(applied, schema);
  if (problems.length > 0) {
    const { namespace = '', name = '' } = applied.metadata;
    throw badRequest(
      `failed to create typed patch object (${namespace}/${name}; ${apiVersion}, Kind=${applied.kind}): ${problems.join('; ')}`,
    );
  }
  return withoutNulls(applied) as KubeObject;
};

/** The owners as recorded, or, where none are, one who owns all that is there and with whom every change conflicts. */
const managersOfLive = (
  live: KubeObject,
  tracked: unknown,
  apiVersion: string,
  schema: ObjectSchema,
): Managers => {
  const known = [...(decodeManagers(live.metadata.managedFields)?.values() ?? [])].filter(
    (manager) => manager.apiVersion === apiVersion,
  );
  if (known.length > 0) return managersOf(known);
  return managersOf([
    {
      name: 'before-first-apply',
      operation: 'Update',
      apiVersion,
      subresource: '',
      time: undefined,
      fields: withoutUntracked(compare({}, tracked, schema).added),
    },
  ]);
};

/** What an apply to the main resource or to a subresource may touch. */
const scoped = (
  tracked: { readonly [key: string]: unknown },
  schema: ObjectSchema,
  subresource: string,
): { [key: string]: unknown } => {
  const isStatus = (field: string): boolean =>
    field === 'status' && Object.hasOwn(schema.properties, 'status');
  return Object.fromEntries(
    Object.entries(tracked).filter(([field]) => isStatus(field) === (subresource === 'status')),
  );
};

/** An applied resourceVersion or uid stands, so that the write fails if the stored one is another. */
const withPreconditions = (
  server: KubeObject,
  { metadata: { resourceVersion, uid } }: KubeObject,
): KubeObject => ({
  ...server,
  metadata: {
    ...server.metadata,
    ...(resourceVersion === undefined || resourceVersion === '' ? {} : { resourceVersion }),
    ...(uid === undefined || uid === '' ? {} : { uid }),
  },
});

interface ToMerge {
  readonly before: unknown;
  readonly applied: unknown;
  readonly known: Managers;
  readonly self: Manager;
  readonly schema: ObjectSchema;
  readonly defaults: (tracked: unknown) => unknown;
}

const merge = ({ before, applied, known, self, schema, defaults }: ToMerge): Merged => {
  const key = managerKey(self);
  const last = known.get(key)?.fields ?? emptyFieldSet;
  const fields = withoutUntracked(fieldSetOf(applied, schema));
  const others = new Map([...known].filter(([other]) => other !== key));
  const owners = managersOf([...others.values(), { ...self, fields }]);
  const tracked = defaults(prune(mergeApplied(before, applied, schema), last, owners, schema));
  const { added, modified, removed } = compare(before, tracked, schema);
  const conflicts = conflictsWith(others, union(added, modified));
  const lost = conflictingFields(conflicts);
  const rest = [...others.values()].map((manager) => ({
    ...manager,
    fields: recursiveDifference(difference(manager.fields, lost), removed),
  }));
  return {
    tracked,
    managers: managersOf([...rest, { ...self, fields }]),
    conflicts,
  };
};
