import { findResource, type Resource } from '@raftsman/api';
import { isReview, reviewResource, type Review } from './reviews.js';
import type { Target } from '../registry/target.js';

/** What a path is about. */
export type RequestPath =
  | { readonly kind: 'object'; readonly target: Target }
  | { readonly kind: 'review'; readonly review: Review }
  /** Anything else: discovery, health, version, OpenAPI, or nothing at all. */
  | { readonly kind: 'other'; readonly path: string };

const namespaceSubresources: ReadonlySet<string> = new Set(['status', 'finalize']);

/** `pathname` as in the request line, escaped. null: an escape that means nothing. */
export function parsePath(pathname: string): RequestPath | null {
  const parts = segmentsOf(pathname);
  if (parts === null) return null;
  const other: RequestPath = { kind: 'other', path: pathname };
  const [root, ...rest] = parts;
  if (root !== 'api' && root !== 'apis') return other;
  const [group, version, ...names] = root === 'api' ? ['', ...rest] : rest;
  if (group === undefined || version === undefined || names.length === 0) return other;
  if (names.length === 1 && isReview(group, version, names[0]!)) {
    return { kind: 'review', review: reviewResource(group, names[0]!) };
  }
  const target = targetOf(group, version, names);
  return target === null ? other : { kind: 'object', target };
}

function segmentsOf(pathname: string): readonly string[] | null {
  try {
    return pathname
      .split('/')
      .filter((part) => part !== '')
      .map(decodeURIComponent);
  } catch {
    return null; // a malformed escape is the client's mistake, which the caller answers
  }
}

function targetOf(group: string, version: string, names: readonly string[]): Target | null {
  const scoped = names[0] === 'namespaces' && names.length >= 3 && !isNamespaceSubresource(group, names);
  const [plural, name = '', subresource = '', ...extra] = scoped ? names.slice(2) : names;
  const resource: Resource | undefined = findResource(group, version, plural!);
  if (resource === undefined || extra.length > 0) return null;
  const namespace = scoped ? names[1]! : '';
  if (scoped !== resource.namespaced && (scoped || name !== '')) return null;
  if (subresource !== '' && !(resource.subresources as readonly string[]).includes(subresource)) return null;
  return { resource, namespace, name, subresource };
}

const isNamespaceSubresource = (group: string, names: readonly string[]): boolean =>
  group === '' && names.length === 3 && namespaceSubresources.has(names[2]!);
