import type { ResourceRequirements } from '../../kinds/pod/resources.js';
import {
  compareQuantities,
  formatQuantity,
  InvalidQuantity,
  parseQuantity,
  type Quantity,
} from '../../quantity.js';
import { forbiddenField, invalidValue, type FieldError } from '../../status/index.js';
import { qualifiedName } from '../formats.js';
import { child, keyed, mustBe, when } from '../path.js';

type Amounts = { readonly [name: string]: string | number };

const standard: ReadonlySet<string> = new Set(['cpu', 'memory', 'ephemeral-storage']);
const NANOS_PER_UNIT = 1_000_000_000n;

const isHugePages = (name: string): boolean => name.startsWith('hugepages-');
/** Those of devices and the like, counted in whole pieces and never overcommitted. */
const isExtended = (name: string): boolean => name.includes('/') && !name.startsWith('kubernetes.io/');

const validateName = (name: string, path: string): readonly FieldError[] => [
  ...mustBe(qualifiedName, name, path),
  ...when(!name.includes('/') && !standard.has(name) && !isHugePages(name), () =>
    invalidValue(path, name, 'must be a standard resource for containers'),
  ),
];

const validateQuantity = (value: string | number, path: string): Quantity | readonly FieldError[] => {
  const amount = parseQuantity(value);
  if (amount instanceof InvalidQuantity) return [invalidValue(path, value, amount.message)];
  return amount.nanos < 0n
    ? [invalidValue(path, String(value), 'must be greater than or equal to 0')]
    : amount;
};

const isErrors = (result: Quantity | readonly FieldError[]): result is readonly FieldError[] =>
  Array.isArray(result);

const validateAmount = (name: string, value: string | number, path: string): readonly FieldError[] => {
  const amount = validateQuantity(value, path);
  if (isErrors(amount)) return amount;
  return when(isExtended(name) && amount.nanos % NANOS_PER_UNIT !== 0n, () =>
    invalidValue(path, value, 'must be an integer'),
  );
};

const validateAmounts = (amounts: Amounts, path: string): readonly FieldError[] =>
  Object.entries(amounts).flatMap(([name, value]) => [
    ...validateName(name, keyed(path, name)),
    ...validateAmount(name, value, keyed(path, name)),
  ]);

const isOvercommitted = (name: string): boolean => !isExtended(name) && !isHugePages(name);

const validateAgainstLimit = (
  name: string,
  request: string | number,
  limit: string | number | undefined,
  path: string,
): readonly FieldError[] => {
  const asked = parseQuantity(request);
  if (asked instanceof InvalidQuantity) return [];
  if (limit === undefined)
    return when(!isOvercommitted(name), () =>
      invalidValue(path, request, `Limit must be set for non overcommitable resources`),
    );
  const most = parseQuantity(limit);
  if (most instanceof InvalidQuantity) return [];
  const compared = compareQuantities(asked, most);
  if (!isOvercommitted(name))
    return when(compared !== 0, () =>
      invalidValue(path, request, `must be equal to ${name} limit of ${formatQuantity(most)}`),
    );
  return when(compared > 0, () =>
    invalidValue(path, request, `must be less than or equal to ${name} limit of ${formatQuantity(most)}`),
  );
};

/** Of a container, and of a pod as a whole. */
export const validateResources = (
  { limits = {}, requests = {}, claims = [] }: ResourceRequirements,
  path: string,
  podClaims: ReadonlySet<string>,
): readonly FieldError[] => [
  ...validateAmounts(limits, child(path, 'limits')),
  ...validateAmounts(requests, child(path, 'requests')),
  ...Object.entries(requests).flatMap(([name, request]) =>
    validateAgainstLimit(
      name,
      request,
      Object.hasOwn(limits, name) ? limits[name] : undefined,
      child(path, 'requests'),
    ),
  ),
  ...claims.flatMap(({ name }, index) =>
    when(!podClaims.has(name), () =>
      forbiddenField(
        keyed(child(path, 'claims'), index),
        `${JSON.stringify(name)} is not among the pod's resourceClaims`,
      ),
    ),
  ),
];

/** A list of amounts without limits beside it: a node's capacity, a pod's overhead. */
export const validateResourceList = (amounts: Amounts | undefined, path: string): readonly FieldError[] =>
  Object.entries(amounts ?? {}).flatMap(([name, value]) => [
    ...mustBe(qualifiedName, name, keyed(path, name)),
    ...validateAmount(name, value, keyed(path, name)),
  ]);
