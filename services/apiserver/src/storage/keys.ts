import type { Resource } from '@raftsman/api';

/** Groups whose resources lie right under the prefix; any other group's name goes before the plural. */
const kubernetesGroup = (group: string): boolean =>
  group === '' || !group.includes('.') || group.endsWith('.k8s.io');

/** Where the objects of one resource lie, as etcd keys; `prefix` is --etcd-prefix without a slash at its end. */
export function resourcePrefix(prefix: string, resource: Pick<Resource, 'group' | 'plural'>): string {
  return kubernetesGroup(resource.group)
    ? `${prefix}/${resource.plural}/`
    : `${prefix}/${resource.group}/${resource.plural}/`;
}

/** `/registry/pods/default/web` or `/registry/nodes/worker-1`. */
export function objectKey(
  prefix: string,
  resource: Pick<Resource, 'group' | 'plural' | 'namespaced'>,
  namespace: string,
  name: string,
): string {
  const base = resourcePrefix(prefix, resource);
  return resource.namespaced ? `${base}${namespace}/${name}` : base + name;
}

/** The keys of a list: all of the resource, or of one namespace. */
export function listPrefix(
  prefix: string,
  resource: Pick<Resource, 'group' | 'plural' | 'namespaced'>,
  namespace: string,
): string {
  const base = resourcePrefix(prefix, resource);
  return resource.namespaced && namespace !== '' ? `${base}${namespace}/` : base;
}

/** The first key after all that start with `prefix`, which must end in an ASCII character. */
export function prefixEnd(prefix: string): string {
  const last = prefix.charCodeAt(prefix.length - 1);
  return prefix.slice(0, -1) + String.fromCharCode(last + 1);
}
