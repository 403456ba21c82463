import { parseFieldSelector, parseLabelSelector } from '@raftsman/api';
import type { Matcher } from '../cacher/watch-event.js';
import type { Selectors, Target } from './target.js';

/** Which objects of the target's collection a list or watch is about; a name in the target counts too. Throws 400. */
export function matcherOf(target: Target, selectors: Selectors): Matcher {
  const labels = parseLabelSelector(selectors.labelSelector);
  const fields = parseFieldSelector(selectors.fieldSelector, target.resource);
  const { name } = target;
  return (object) =>
    (name === '' || object.metadata.name === name) &&
    labels.matches(object.metadata.labels) &&
    fields.matches(object);
}

/**
 * What the authorizer is asked about: a collection of which `metadata.name=…` selects one object is that object, so that
 * a rule for one name allows listing and watching it. https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-resources
 */
export function selected(target: Target, selectors: Selectors): Target {
  if (target.name !== '') return target;
  return {
    ...target,
    name: parseFieldSelector(selectors.fieldSelector, target.resource).exactly('metadata.name') ?? '',
  };
}
