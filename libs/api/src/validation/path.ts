import { forbiddenField, invalidValue, required, type FieldError } from '../status/index.js';
import type { FormatCheck } from './formats.js';

/** Field paths as Kubernetes writes them: `spec.containers[0].name`, `data[key]`. */
export const child = (path: string, ...names: readonly string[]): string =>
  [...(path === '' ? [] : [path]), ...names].join('.');
export const keyed = (path: string, key: string | number): string => `${path}[${key}]`;

/** The errors of each item under its own path. */
export const each = <T>(
  items: readonly T[] | undefined,
  path: string,
  check: (item: T, path: string, index: number) => readonly FieldError[],
): readonly FieldError[] => (items ?? []).flatMap((item, index) => check(item, keyed(path, index), index));

/** One error per message of a format's check. */
export const mustBe = (check: FormatCheck, value: string, path: string): readonly FieldError[] =>
  check(value).map((said) => invalidValue(path, value, said));

/** Required, and of the format. */
export const mustHave = (
  check: FormatCheck,
  value: string | undefined,
  path: string,
  detail = '',
): readonly FieldError[] =>
  value === undefined || value === '' ? [required(path, detail)] : mustBe(check, value, path);

export const when = (condition: boolean, error: () => FieldError): readonly FieldError[] =>
  condition ? [error()] : [];

export const notNegative = (value: number | undefined, path: string): readonly FieldError[] =>
  when(value !== undefined && value < 0, () =>
    invalidValue(path, value, 'must be greater than or equal to 0'),
  );

export const between = (
  value: number | undefined,
  path: string,
  [least, most]: readonly [number, number],
): readonly FieldError[] =>
  when(value !== undefined && (value < least || value > most), () =>
    invalidValue(path, value, `must be between ${least} and ${most}, inclusive`),
  );

export const isAbsent = (value: unknown): boolean => value === undefined || value === null || value === '';

/** The errors of a union of which one member must be set and no second may be. */
export const exactlyOne = (
  members: { readonly [name: string]: unknown },
  path: string,
  nothing: string,
  more: string,
): readonly FieldError[] => {
  const set = Object.keys(members).filter((name) => members[name] !== undefined);
  if (set.length === 0) return [required(path, nothing)];
  return set.slice(1).map((name) => forbiddenField(child(path, name), more));
};

/** The second and later of equal items, by the text that tells them apart; undefined is equal to nothing. */
export const repeated = <T>(
  items: readonly T[] | undefined,
  text: (item: T) => string | undefined,
): readonly { readonly item: T; readonly index: number; readonly text: string }[] => {
  const seen = new Set<string>();
  return (items ?? []).flatMap((item, index) => {
    const of = text(item);
    if (of === undefined) return [];
    if (seen.has(of)) return [{ item, index, text: of }];
    seen.add(of);
    return [];
  });
};
