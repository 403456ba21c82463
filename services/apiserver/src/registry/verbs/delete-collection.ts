import { ApiError, type KubeObject } from '@raftsman/api';
import type { CoreContext, ListResult, RequestContext } from '../core.js';
import { nameOf } from '../model.js';
import type { DeleteOptions, Selectors, Target } from '../target.js';
import { deleteObject } from './delete.js';
import { listObjects } from './list.js';

/** Deletions that run at once. */
const workers = 8;

/** Deletes what the selectors match, each as by itself; what is gone meanwhile does not matter. Answers what it found. */
export async function deleteCollection(
  context: CoreContext,
  request: RequestContext,
  target: Target,
  selectors: Selectors,
  options: DeleteOptions,
): Promise<ListResult> {
  const listed = await listObjects(context, target, {
    ...selectors,
    resourceVersion: '',
    resourceVersionMatch: '',
    limit: 0,
    continueToken: '',
  });
  const left: KubeObject[] = [...listed.items].reverse();
  const work = async (): Promise<void> => {
    for (let object = left.pop(); object !== undefined; object = left.pop()) {
      const { namespace = '' } = object.metadata;
      await deleteObject(context, request, { ...target, namespace, name: nameOf(object) }, options).catch(
        (error: unknown) => {
          if (!(error instanceof ApiError && error.code === 404)) throw error;
        },
      );
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
  return listed;
}
