import type { LabelSelector, LabelSelectorRequirement } from '../kinds/meta.js';
import { forbiddenField, invalidValue, required, type FieldError } from '../status/index.js';
import { labelValueFormat, qualifiedName } from './formats.js';
import { validateLabels } from './metadata.js';
import { child, each, mustBe } from './path.js';

const validateRequirement = (
  { key, operator, values = [] }: LabelSelectorRequirement,
  path: string,
): readonly FieldError[] => {
  const at = child(path, 'values');
  const wrongValues = (): readonly FieldError[] => {
    switch (operator) {
      case 'In':
      case 'NotIn':
        return values.length === 0
          ? [required(at, "must be specified when `operator` is 'In' or 'NotIn'")]
          : each(values, at, (value, path) => mustBe(labelValueFormat, value, path));
      case 'Exists':
      case 'DoesNotExist':
        return values.length > 0
          ? [forbiddenField(at, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")]
          : [];
      default:
        return [invalidValue(child(path, 'operator'), operator ?? '', 'not a valid selector operator')];
    }
  };
  return [...wrongValues(), ...mustBe(qualifiedName, key ?? '', child(path, 'key'))];
};

export const validateLabelSelector = (
  selector: LabelSelector | undefined,
  path: string,
): readonly FieldError[] => [
  ...validateLabels(selector?.matchLabels, child(path, 'matchLabels')),
  ...each(selector?.matchExpressions, child(path, 'matchExpressions'), validateRequirement),
];

const meets = (
  { key, operator, values = [] }: LabelSelectorRequirement,
  labels: { readonly [key: string]: string },
): boolean => {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
  }
};

export const selectsLabels = (
  selector: LabelSelector,
  labels: { readonly [key: string]: string } = {},
): boolean =>
  Object.entries(selector.matchLabels ?? {}).every(
    ([key, value]) => Object.hasOwn(labels, key) && labels[key] === value,
  ) && (selector.matchExpressions ?? []).every((requirement) => meets(requirement, labels));

export const isEmptySelector = (selector: LabelSelector | undefined): boolean =>
  Object.keys(selector?.matchLabels ?? {}).length === 0 && (selector?.matchExpressions ?? []).length === 0;
