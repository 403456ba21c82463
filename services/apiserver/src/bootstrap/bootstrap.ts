import { ApiError, resourceOfKind, type KubeObject } from '@raftsman/api';
import type { Core, RequestContext } from '../registry/core.js';
import type { Target } from '../registry/target.js';

/** The apiserver itself, as it writes its own objects. */
export const self: RequestContext = {
  identity: { name: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] },
  userAgent: 'raftsman-apiserver',
};

const writeOptions = { dryRun: false, fieldManager: '', fieldValidation: 'Strict', force: false } as const;

export function targetOf(object: KubeObject): Target {
  const resource = resourceOfKind(object.apiVersion, object.kind)!;
  const { namespace = '', name = '' } = object.metadata;
  return { resource, namespace, name, subresource: '' };
}

/** Creates the object unless it is there; another apiserver may be doing the same. */
export async function ensure(core: Core, object: KubeObject): Promise<void> {
  const target = targetOf(object);
  try {
    await core.get(self, target, '');
  } catch (error) {
    if (!(error instanceof ApiError && error.code === 404)) throw error;
    const body = { bytes: Buffer.from(JSON.stringify(object)), contentType: 'application/json' };
    await core.create(self, { ...target, name: '' }, body, writeOptions).catch((failure: unknown) => {
      if (!(failure instanceof ApiError && failure.reason === 'AlreadyExists')) throw failure;
    });
  }
}
