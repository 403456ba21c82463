import { badRequest, isObject, type KubeObject, type Verb } from '@raftsman/api';
import type { Action, Authorizer } from '../auth/authorizer.js';
import type { Identity } from '../auth/identity.js';
import { bodyValue } from '../registry/body-value.js';
import { timestamp } from '../registry/model.js';
import type { Body } from '../registry/target.js';

/** Questions about oneself that are answered and not stored. */
export type Review = 'selfsubjectaccessreviews' | 'selfsubjectreviews';

/** For discovery. */
export const reviews = [
  {
    group: 'authentication.k8s.io',
    version: 'v1',
    kind: 'SelfSubjectReview',
    plural: 'selfsubjectreviews',
    singular: 'selfsubjectreview',
  },
  {
    group: 'authorization.k8s.io',
    version: 'v1',
    kind: 'SelfSubjectAccessReview',
    plural: 'selfsubjectaccessreviews',
    singular: 'selfsubjectaccessreview',
  },
] as const;

export const isReview = (group: string, version: string, plural: string): boolean =>
  reviews.some((each) => each.group === group && each.version === version && each.plural === plural);

export const reviewResource = (group: string, plural: string): Review =>
  reviews.find((each) => each.group === group && each.plural === plural)!.plural;

export const groupOfReview = (review: Review): string =>
  reviews.find((each) => each.plural === review)!.group;

export function answerReview(
  review: Review,
  identity: Identity,
  authorizer: Authorizer,
  body: Body,
  now: number,
): KubeObject {
  const { value } = bodyValue(body);
  if (!isObject(value)) throw badRequest('the body is not a review');
  const metadata = { creationTimestamp: timestamp(now) };
  switch (review) {
    case 'selfsubjectreviews':
      return {
        kind: 'SelfSubjectReview',
        apiVersion: 'authentication.k8s.io/v1',
        metadata,
        status: { userInfo: { username: identity.name, groups: [...identity.groups] } },
      };
    case 'selfsubjectaccessreviews': {
      const spec = isObject(value['spec']) ? value['spec'] : {};
      const allowed = authorizer.allows(identity, actionOf(spec));
      return {
        kind: 'SelfSubjectAccessReview',
        apiVersion: 'authorization.k8s.io/v1',
        metadata: {},
        spec,
        status: { allowed },
      };
    }
  }
}

function actionOf(spec: { readonly [field: string]: unknown }): Action {
  const text = (of: { readonly [field: string]: unknown }, name: string): string => {
    const value = of[name] ?? '';
    if (typeof value !== 'string') throw badRequest(`${name} must be a string`);
    return value;
  };
  const { resourceAttributes: resource, nonResourceAttributes: path } = spec;
  if (isObject(resource)) {
    return {
      kind: 'resource',
      verb: text(resource, 'verb') as Verb,
      group: text(resource, 'group'),
      plural: text(resource, 'resource'),
      subresource: text(resource, 'subresource'),
      namespace: text(resource, 'namespace'),
      name: text(resource, 'name'),
    };
  }
  if (isObject(path)) return { kind: 'path', verb: text(path, 'verb'), path: text(path, 'path') };
  throw badRequest('spec.resourceAttributes or spec.nonResourceAttributes is required');
}
