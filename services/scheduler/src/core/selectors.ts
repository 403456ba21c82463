import {
  labelSelectorMatches,
  type LabelSelector,
  type NodeSelector,
  type NodeSelectorTerm,
  type Pod,
} from '@raftsman/api';
import type { NodeObject } from './node-info.js';

export type Labels = { readonly [key: string]: string };

export const labelsOf = (object: { readonly metadata: { readonly labels?: Labels } }): Labels =>
  object.metadata.labels ?? {};

/** Absent selects nothing, empty selects everything. */
export const selects = (selector: LabelSelector | undefined, labels: Labels): boolean =>
  selector !== undefined && labelSelectorMatches(selector, labels);

/** spec.nodeSelector and required node affinity together. */
export function matchesNode({ spec }: Pick<Pod, 'spec'>, node: NodeObject): boolean {
  const labels = labelsOf(node);
  const wanted = Object.entries(spec.nodeSelector ?? {});
  if (!wanted.every(([key, value]) => labels[key] === value)) return false;
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required === undefined || matchesNodeSelector(required, node);
}

/** One of the terms must match; a term without requirements matches nothing. */
const matchesNodeSelector = ({ nodeSelectorTerms }: NodeSelector, node: NodeObject): boolean =>
  nodeSelectorTerms.some((term) => matchesTerm(term, node));

export function matchesTerm(
  { matchExpressions = [], matchFields = [] }: NodeSelectorTerm,
  node: NodeObject,
): boolean {
  if (matchExpressions.length === 0 && matchFields.length === 0) return false;
  const fields: Labels = { 'metadata.name': node.metadata.name };
  return (
    matchExpressions.every((requirement) => meets(requirement, labelsOf(node))) &&
    matchFields.every((requirement) => meets(requirement, fields))
  );
}

function meets(
  { key, operator, values = [] }: NonNullable<NodeSelectorTerm['matchExpressions']>[number],
  labels: Labels,
): boolean {
  const value = labels[key];
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return integer(value) > integer(values[0]);
    case 'Lt':
      return integer(value) < integer(values[0]);
  }
}

/** NaN, which compares with nothing, where the text is no integer. */
const integer = (text: string | undefined): number =>
  text !== undefined && /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
