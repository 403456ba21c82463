import { forbidden, type KubeObject, type Namespace } from '@raftsman/api';
import { nameOf } from '../model.js';
import type { Strategy } from './strategy.js';

/** Namespaces that the cluster cannot do without. */
export const systemNamespaces = ['default', 'kube-system', 'kube-public', 'kube-node-lease'] as const;
const undeletable: readonly string[] = ['default', 'kube-system', 'kube-public'];

const spec = (object: KubeObject): { finalizers?: string[] } => (object as unknown as Namespace).spec ?? {};

/**
 * A namespace goes in two steps: it is marked and its phase becomes Terminating; once the namespace controller has
 * emptied it, it takes `kubernetes` out of spec.finalizers (subresource finalize).
 */
export const namespaceStrategy: Strategy = {
  prepareCreate: (object) => {
    object['spec'] = { ...spec(object), finalizers: ['kubernetes'] };
    object['status'] = { phase: 'Active' };
    object.metadata.labels = { ...object.metadata.labels, 'kubernetes.io/metadata.name': nameOf(object) };
  },
  prepareUpdate: (object, old) => {
    object['spec'] = old['spec'];
    object.metadata.labels = { ...object.metadata.labels, 'kubernetes.io/metadata.name': nameOf(object) };
  },
  admitDelete: (_context, _request, object) => {
    if (undeletable.includes(nameOf(object))) {
      throw forbidden(
        { group: '', plural: 'namespaces' },
        nameOf(object),
        'this namespace may not be deleted',
      );
    }
  },
  keepsDeleted: (object) => (spec(object).finalizers ?? []).length > 0,
  markDeleted: (object) => {
    object['status'] = { ...(object['status'] as object | undefined), phase: 'Terminating' };
  },
};
