import type { IncomingHttpHeaders } from 'node:http';
import { badRequest } from '@raftsman/api';
import { authorize, type Authorizer } from './authorizer.js';
import type { Identity } from './identity.js';

const userHeader = 'impersonate-user';
const groupHeader = 'impersonate-group';
const serviceAccountPrefix = 'system:serviceaccount:';

/**
 * Whom a request speaks for: `identity`, or with `kubectl --as` somebody else. Throws 403 unless `identity` may take each
 * name on, and 400 for names that we cannot honour: never is such a request answered with the rights of the one who sent it.
 * https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/
 */
export function impersonated(
  identity: Identity,
  headers: IncomingHttpHeaders,
  authorizer: Authorizer,
): Identity {
  const asked = Object.keys(headers).filter((name) => name.startsWith('impersonate-'));
  if (asked.length === 0) return identity;
  const unknown = asked.find((name) => name !== userHeader && name !== groupHeader);
  if (unknown !== undefined) throw badRequest(`impersonation by ${unknown} is not supported`);
  const name = String(headers[userHeader] ?? '');
  if (name === '') throw badRequest('requested groups without impersonating a user');
  const groups = namesOf(headers[groupHeader]);
  const mayBe = (plural: string, each: string): void =>
    authorize(authorizer, identity, {
      kind: 'resource',
      verb: 'impersonate',
      group: '',
      plural,
      subresource: '',
      namespace: '',
      name: each,
    });
  mayBe('users', name);
  for (const group of groups) mayBe('groups', group);
  return { name, groups: [...new Set([...groups, ...impliedGroups(name, groups)])] };
}

/** HTTP/1.1 joins repeated headers with a comma, HTTP/2 may list them. */
const namesOf = (value: string | readonly string[] | undefined): readonly string[] =>
  [value ?? []]
    .flat()
    .flatMap((each) => each.split(','))
    .map((each) => each.trim())
    .filter((each) => each !== '');

function impliedGroups(name: string, asked: readonly string[]): readonly string[] {
  if (name === 'system:anonymous') return ['system:unauthenticated'];
  const [namespace = ''] = name.startsWith(serviceAccountPrefix)
    ? name.slice(serviceAccountPrefix.length).split(':')
    : [];
  const accounts =
    namespace === '' || asked.length > 0
      ? []
      : ['system:serviceaccounts', `system:serviceaccounts:${namespace}`];
  return [...accounts, 'system:authenticated'];
}
