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
