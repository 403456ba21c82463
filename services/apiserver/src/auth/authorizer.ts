import { accessDenied, type Verb } from '@raftsman/api';
import type { Identity } from './identity.js';
import { policies, type PathRule, type ResourceRule } from './policies.js';

/** What somebody wants to do, as RBAC sees it. */
export type Action =
  | {
      readonly kind: 'resource';
      /** `impersonate`: on users and groups, which are no resources otherwise. */
      readonly verb: Verb | 'impersonate';
      readonly group: string;
      readonly plural: string;
      /** Empty: the object itself. */
      readonly subresource: string;
      /** Empty: cluster scope or all namespaces. */
      readonly namespace: string;
      /** Empty: a list or a create. */
      readonly name: string;
    }
  | {
      readonly kind: 'path';
      /** HTTP's method in lower case. */
      readonly verb: string;
      readonly path: string;
    };

export interface Authorizer {
  allows(identity: Identity, action: Action): boolean;
}

/** Throws 403 in Kubernetes' words. */
export function authorize(authorizer: Authorizer, identity: Identity, action: Action): void {
  if (authorizer.allows(identity, action)) return;
  throw accessDenied({
    user: identity.name,
    verb: action.verb,
    target: action.kind === 'path' ? { path: action.path } : action,
  });
}

/** Decides by the fixed policies of policies.ts; anything that no rule allows is denied. */
export const policyAuthorizer: Authorizer = {
  allows: (identity, action) =>
    policies.some(
      (policy) =>
        (policy.user === identity.name ||
          (policy.group !== undefined && identity.groups.includes(policy.group))) &&
        (action.kind === 'path'
          ? (policy.paths ?? []).some((rule) => allowsPath(rule, action))
          : (policy.resources ?? []).some((rule) => allowsResource(rule, action, identity))),
    ),
};

function allowsPath(rule: PathRule, action: Extract<Action, { kind: 'path' }>): boolean {
  return (
    rule.verbs.some((verb) => verb === '*' || verb === action.verb) &&
    rule.paths.some((path) =>
      path.endsWith('*') ? action.path.startsWith(path.slice(0, -1)) : path === action.path,
    )
  );
}

function allowsResource(
  rule: ResourceRule,
  action: Extract<Action, { kind: 'resource' }>,
  identity: Identity,
): boolean {
  const resource = action.subresource === '' ? action.plural : `${action.plural}/${action.subresource}`;
  return (
    rule.verbs.some((verb) => verb === '*' || verb === action.verb) &&
    rule.groups.some((group) => group === '*' || group === action.group) &&
    rule.resources.some((each) => each === '*' || each === resource) &&
    (rule.namespaces === undefined || rule.namespaces.includes(action.namespace)) &&
    (rule.names === undefined || rule.names(identity).includes(action.name))
  );
}
