import { isObject } from '../values.js';

/** RFC 7386. Neither argument is changed; the result may share parts with both. */
export const applyMergePatch = (current: unknown, patch: unknown): unknown => {
  if (!isObject(patch)) return patch;
  const merged: { [key: string]: unknown } = isObject(current) ? { ...current } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = applyMergePatch(Object.hasOwn(merged, key) ? merged[key] : undefined, value);
  }
  return merged;
};
