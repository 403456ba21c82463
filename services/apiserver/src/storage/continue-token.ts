/** Where a list goes on: the revision of its first page, and the first key (below the list's prefix) of the next. */
export interface ContinueToken {
  readonly revision: number;
  readonly startKey: string;
}

/** Opaque to clients; Kubernetes' layout. */
export function encodeContinue(token: ContinueToken): string {
  return Buffer.from(
    JSON.stringify({ v: 'meta.k8s.io/v1', rv: token.revision, start: token.startKey }),
  ).toString('base64url');
}

/** null: not one of ours. */
export function decodeContinue(text: string): ContinueToken | null {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(text, 'base64url').toString());
  } catch {
    return null; // what is not JSON is no token, and the caller says so
  }
  if (typeof value !== 'object' || value === null) return null;
  const { v, rv, start } = value as Record<string, unknown>;
  if (v !== 'meta.k8s.io/v1' || typeof start !== 'string' || start.includes('..')) return null;
  return typeof rv === 'number' && Number.isSafeInteger(rv) && rv > 0
    ? { revision: rv, startKey: start }
    : null;
}
