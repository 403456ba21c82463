import type { KubeObject } from '../resource.js';
import type { ObjectSchema } from '../schema.js';
import { compare } from './compare.js';
import { difference, emptyFieldSet, isEmptySet, recursiveDifference, union } from './field-set.js';
import {
  capUpdaters,
  decodeManagers,
  encodeManagers,
  isReset,
  managerKey,
  managersOf,
  type Manager,
  type Managers,
} from './managers.js';
import { trackedPart, withManagedFields, withoutUntracked } from './tracked.js';

export interface UpdateToTrack {
  readonly schema: ObjectSchema;
  /** As stored; undefined: the write creates. */
  readonly old: KubeObject | undefined;
  /** As it is to be stored, defaulted; its managedFields are the client's. */
  readonly new: KubeObject;
  /** The fieldManager parameter, or what `managerOf` makes of the user agent. */
  readonly manager: string;
  readonly apiVersion: string;
  /** Empty or absent: the main resource. */
  readonly subresource?: string;
  /** RFC 3339 with seconds. */
  readonly time: string;
}

/**
 * The new object with the owners of its fields recorded: whoever changes a field by create, update or patch owns it, alone; what
 * goes has no owner. An update that changes nothing leaves managedFields as they were. Objects stored without owners stay so
 * until they are applied.
 */
export const trackUpdate = (update: UpdateToTrack): KubeObject => {
  const { schema, old, manager, apiVersion, subresource = '', time } = update;
  const known = knownManagers(update);
  if (known.size === 0 && old !== undefined) return withManagedFields(update.new, []);
  const { added, modified, removed } = compare(
    old === undefined ? {} : trackedPart(old),
    trackedPart(update.new),
    schema,
  );
  const changed = withoutUntracked(union(added, modified));
  const self = { name: manager, operation: 'Update', apiVersion, subresource } as const;
  const key = managerKey(self);
  const kept: Manager[] = [...known.values()].map((each) => ({
    ...each,
    fields: recursiveDifference(difference(each.fields, changed), removed),
  }));
  const own = kept.find((each) => managerKey(each) === key);
  const fields = union(own?.fields ?? emptyFieldSet, changed);
  const mine: Manager = { ...self, fields, time: isEmptySet(changed) ? own?.time : time };
  const managers = managersOf([...kept.filter((each) => each !== own), mine]);
  return withManagedFields(update.new, encodeManagers(capUpdaters(managers, apiVersion)));
};

/**
 * Clients may edit managedFields, but not by a subresource; those who send none do not know them, and those that are not
 * understood are not taken. Owners by a version that is not served any more go.
 */
const knownManagers = ({ old, new: object, apiVersion, subresource = '' }: UpdateToTrack): Managers => {
  const entries = object.metadata.managedFields;
  const stored = (): Managers => decodeManagers(old?.metadata.managedFields) ?? managersOf([]);
  const choose = (): Managers => {
    if (subresource !== '') return stored();
    if (isReset(entries)) return managersOf([]);
    const sent = decodeManagers(entries);
    return sent === undefined || sent.size === 0 ? stored() : sent;
  };
  return managersOf([...choose().values()].filter((manager) => manager.apiVersion === apiVersion));
};
