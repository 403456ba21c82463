import { applyConflict, type ApiError } from '../status/index.js';
import { emptyFieldSet, intersection, isEmptySet, pathsOf, union, type FieldSet } from './field-set.js';
import type { Manager, Managers } from './managers.js';
import { describePath } from './path-element.js';

/** A field that an apply would change and that somebody else owns. */
export interface Conflict {
  readonly manager: Manager;
  readonly fields: FieldSet;
}

export const conflictsWith = (others: Managers, changed: FieldSet): readonly Conflict[] =>
  [...others.values()]
    .map((manager) => ({ manager, fields: intersection(manager.fields, changed) }))
    .filter(({ fields }) => !isEmptySet(fields));

export const conflictingFields = (conflicts: readonly Conflict[]): FieldSet =>
  conflicts.reduce((fields, conflict) => union(fields, conflict.fields), emptyFieldSet);

/** `"kubectl-edit" using apps/v1`, `"kubectl" with subresource "scale" using apps/v1`; an applier without its version. */
const describeManager = ({ name, operation, apiVersion, subresource }: Manager): string => {
  const named = JSON.stringify(name);
  const part = subresource === '' ? named : `${named} with subresource ${JSON.stringify(subresource)}`;
  return operation === 'Apply' ? part : `${part} using ${apiVersion}`;
};

/** The 409 that lists every conflict, in Kubernetes' words. */
export const conflictError = (conflicts: readonly Conflict[]): ApiError => {
  const lines = conflicts
    .map(({ manager, fields }) => ({
      manager: describeManager(manager),
      paths: [...pathsOf(fields)].map(describePath),
    }))
    .toSorted((left, right) => (left.manager < right.manager ? -1 : left.manager > right.manager ? 1 : 0));
  const causes = lines.flatMap(({ manager, paths }) =>
    paths.map((field) => ({ reason: 'FieldManagerConflict', message: `conflict with ${manager}`, field })),
  );
  const text =
    causes.length === 1
      ? `${causes[0]?.message}: ${causes[0]?.field}`
      : lines
          .flatMap(({ manager, paths }) => [
            `conflicts with ${manager}:`,
            ...paths.map((path) => `- ${path}`),
          ])
          .join('\n');
  return applyConflict(
    causes,
    `Apply failed with ${causes.length} conflict${causes.length === 1 ? '' : 's'}: ${text}`,
  );
};
