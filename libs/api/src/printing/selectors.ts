import type { LabelSelector } from '../kinds/meta.js';

const NONE = '<none>';

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** `app=web,tier=front`, by key. */
export const labelsText = (labels: { readonly [key: string]: string } | undefined): string => {
  const pairs = Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`);
  return pairs.length === 0 ? NONE : pairs.toSorted(byText).join(',');
};

const requirementText = (key: string, operator: string, values: readonly string[]): string => {
  switch (operator) {
    case 'Exists':
      return key;
    case 'DoesNotExist':
      return `!${key}`;
    default:
      return `${key} ${operator.toLowerCase()} (${values.toSorted(byText).join(',')})`;
  }
};

/** A selector as `kubectl -l` would take it, by key. */
export const labelSelectorText = (selector: LabelSelector | undefined): string => {
  const equal = Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => ({
    key,
    text: `${key}=${value}`,
  }));
  const expressions = (selector?.matchExpressions ?? []).map(({ key, operator, values = [] }) => ({
    key,
    text: requirementText(key, operator, values),
  }));
  const requirements = [...equal, ...expressions].toSorted((a, b) => byText(a.key, b.key));
  return requirements.length === 0 ? NONE : requirements.map(({ text }) => text).join(',');
};

/** The Containers and Images cells of whatever holds a pod template. */
export const containerCells = (
  containers: readonly { readonly name: string; readonly image?: string }[] | undefined,
): [names: string, images: string] => [
  (containers ?? []).map(({ name }) => name).join(','),
  (containers ?? []).map(({ image = '' }) => image).join(','),
];
