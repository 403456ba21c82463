import { methodNotSupported, type Verb } from '@raftsman/api';
import { authorize } from '../auth/authorizer.js';
import type { CoreContext, RequestContext } from './core.js';
import type { Target } from './target.js';

/** Throws 403 unless the requester may, and 405 if the resource knows no such verb. */
export function allowed(
  context: Pick<CoreContext, 'authorizer'>,
  request: RequestContext,
  verb: Verb,
  target: Target,
): void {
  const { resource, subresource, namespace, name } = target;
  authorize(context.authorizer, request.identity, {
    kind: 'resource',
    verb,
    group: resource.group,
    plural: resource.plural,
    subresource,
    // RBAC sees a Namespace as an object within itself.
    namespace: resource.plural === 'namespaces' && resource.group === '' ? name : namespace,
    name,
  });
  if (subresource === '' && !resource.verbs.includes(verb)) throw methodNotSupported(resource, verb);
}
