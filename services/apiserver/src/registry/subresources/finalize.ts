import { jsonClone, type KubeObject, type Namespace } from '@raftsman/api';

/** What the namespace controller may change there: spec.finalizers. */
export function finalizeNamespace(current: KubeObject, wanted: KubeObject): KubeObject {
  const changed = jsonClone(current);
  const finalizers = (wanted as unknown as Namespace).spec?.finalizers ?? [];
  changed['spec'] = { ...(changed['spec'] as object | undefined), finalizers };
  changed.metadata = { ...changed.metadata, ...withPrecondition(wanted) };
  return changed;
}

function withPrecondition(wanted: KubeObject): Partial<KubeObject['metadata']> {
  const { resourceVersion = '' } = wanted.metadata;
  return resourceVersion === '' ? {} : { resourceVersion };
}
