import { limits } from '../limits.js';
import type { ManagedFieldsEntry } from '../resource.js';
import { isObject } from '../values.js';
import { decodeFieldsV1, encodeFieldsV1, isEmptySet, sameSet, union, type FieldSet } from './field-set.js';

/** Who wrote, by which kind of write, to which part of the object: each combination owns fields by itself. */
export interface ManagerId {
  readonly name: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  /** Empty: the main resource. */
  readonly subresource: string;
}

export interface Manager extends ManagerId {
  readonly fields: FieldSet;
  /** RFC 3339 with seconds, of the last write that changed `fields` or what they hold. */
  readonly time: string | undefined;
  /** The entry from which it was read, which stands as long as fields and time do. */
  readonly source?: { readonly entry: ManagedFieldsEntry; readonly fields: FieldSet };
}

/** By `managerKey`. Invariant: no manager's fields are empty. */
export type Managers = ReadonlyMap<string, Manager>;

/** An applier stays the same whatever version it applies with; an updater does not. */
export const managerKey = ({ name, operation, apiVersion, subresource }: ManagerId): string =>
  JSON.stringify([name, operation, operation === 'Apply' ? '' : apiVersion, subresource]);

export const managersOf = (managers: Iterable<Manager>): Managers =>
  new Map(
    [...managers]
      .filter(({ fields }) => !isEmptySet(fields))
      .map((manager) => [managerKey(manager), manager]),
  );

/** `managedFields: []` and `[{}]` ask for ownership to be forgotten. */
export const isReset = (entries: unknown): boolean => {
  if (!Array.isArray(entries)) return false;
  const list: readonly unknown[] = entries;
  const [first] = list;
  return list.length === 0 || (list.length === 1 && isObject(first) && Object.keys(first).length === 0);
};

const isText = (value: unknown): value is string | undefined =>
  value === undefined || typeof value === 'string';

const decodeEntry = (entry: unknown): Manager | undefined => {
  if (!isObject(entry)) return undefined;
  const { manager, operation, apiVersion, time, subresource, fieldsType, fieldsV1 } = entry;
  if (operation !== 'Apply' && operation !== 'Update') return undefined;
  if (typeof apiVersion !== 'string' || apiVersion === '' || fieldsType !== 'FieldsV1') return undefined;
  if (!isText(manager) || !isText(time) || !isText(subresource)) return undefined;
  const fields = decodeFieldsV1(fieldsV1 ?? {});
  return fields === undefined
    ? undefined
    : {
        name: manager ?? '',
        operation,
        apiVersion,
        time,
        subresource: subresource ?? '',
        fields,
        source: { entry: entry as ManagedFieldsEntry, fields },
      };
};

/** Undefined if any entry is not understood. */
export const decodeManagers = (entries: unknown): Managers | undefined => {
  if (!Array.isArray(entries)) return undefined;
  const managers: Manager[] = [];
  for (const entry of entries as readonly unknown[]) {
    const manager = decodeEntry(entry);
    if (manager === undefined) return undefined;
    managers.push(manager);
  }
  return managersOf(managers);
};

const entryOf = (manager: Manager): ManagedFieldsEntry =>
  manager.source?.fields === manager.fields && manager.source.entry.time === manager.time
    ? manager.source.entry
    : encodeEntry(manager);

const encodeEntry = ({
  name,
  operation,
  apiVersion,
  time,
  subresource,
  fields,
}: Manager): ManagedFieldsEntry => ({
  manager: name,
  operation,
  apiVersion,
  ...(time === undefined ? {} : { time }),
  fieldsType: 'FieldsV1',
  fieldsV1: encodeFieldsV1(fields),
  ...(subresource === '' ? {} : { subresource }),
});

const seconds = (time: string | undefined): number => {
  const milliseconds = time === undefined ? 0 : Date.parse(time);
  return Number.isNaN(milliseconds) ? 0 : Math.floor(milliseconds / 1000);
};

const compareText = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0);

/** Appliers first, then by time, manager, version and subresource. */
const compareManagers = (left: Manager, right: Manager): number =>
  compareText(left.operation, right.operation) ||
  seconds(left.time) - seconds(right.time) ||
  compareText(left.name, right.name) ||
  compareText(left.apiVersion, right.apiVersion) ||
  compareText(left.subresource, right.subresource);

export const encodeManagers = (managers: Managers): ManagedFieldsEntry[] =>
  [...managers.values()].toSorted(compareManagers).map(entryOf);

/** Whether both own the same, whenever that was written. */
export const sameManagers = (left: Managers, right: Managers): boolean =>
  left.size === right.size &&
  [...left].every(([key, manager]) => {
    const other = right.get(key);
    return (
      other !== undefined && other.apiVersion === manager.apiVersion && sameSet(manager.fields, other.fields)
    );
  });

const ANCIENT = 'ancient-changes';

/** Merges the oldest updaters, so that an object that many clients touch does not grow without end. Appliers are kept apart. */
export const capUpdaters = (managers: Managers, apiVersion: string): Managers => {
  const updaters = [...managers.values()].filter(({ operation }) => operation === 'Update');
  if (updaters.length <= limits.updateManagersMax) return managers;
  const oldest = updaters.toSorted(compareManagers).slice(0, updaters.length - limits.updateManagersMax + 1);
  const bucket: ManagerId = { name: ANCIENT, operation: 'Update', apiVersion, subresource: '' };
  const kept = [...managers.values()].filter(
    (manager) => !oldest.includes(manager) && managerKey(manager) !== managerKey(bucket),
  );
  const existing = managers.get(managerKey(bucket));
  const merged = existing === undefined || oldest.includes(existing) ? oldest : [existing, ...oldest];
  return managersOf([
    ...kept,
    {
      ...bucket,
      fields: merged.map(({ fields }) => fields).reduce(union),
      time: merged.map(({ time }) => time).findLast((time) => time !== undefined),
    },
  ]);
};
