import { forbidden, type KubeObject, type Pod } from '@raftsman/api';
import { nodeNameOf, type Identity } from '../../auth/identity.js';

/**
 * What a node's certificate may do to objects that its policy lets it touch:
 * https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#noderestriction
 * All throw 403.
 */

const refusePod = (pod: Pod, why: string): never => {
  throw forbidden({ group: '', plural: 'pods' }, pod.metadata.name ?? '', why);
};

export function admitNodesPod(identity: Identity, pod: Pod): void {
  const node = nodeNameOf(identity);
  if (node !== null) refusePod(pod, `node ${JSON.stringify(node)} can only create mirror pods`);
}

export function admitNodesPodStatus(identity: Identity, old: Pod): void {
  const node = nodeNameOf(identity);
  if (node !== null && old.spec.nodeName !== node) {
    refusePod(
      old,
      `node ${JSON.stringify(node)} can only update pod status for pods with spec.nodeName set to itself`,
    );
  }
}

export function admitNodesPodDeletion(identity: Identity, pod: Pod): void {
  const node = nodeNameOf(identity);
  if (node !== null && pod.spec.nodeName !== node) {
    refusePod(pod, `node ${JSON.stringify(node)} can only delete pods with spec.nodeName set to itself`);
  }
}

export function admitNodesNode(identity: Identity, object: KubeObject): void {
  const node = nodeNameOf(identity);
  const name = object.metadata.name ?? '';
  if (node !== null && name !== node) {
    throw forbidden(
      { group: '', plural: 'nodes' },
      name,
      `node ${JSON.stringify(node)} is not allowed to modify node ${JSON.stringify(name)}`,
    );
  }
}

/** A node must not lift the taints that keep pods away from it. */
export function admitNodesTaints(identity: Identity, object: KubeObject, old: KubeObject): void {
  const node = nodeNameOf(identity);
  if (node === null) return;
  const taints = (each: KubeObject): string =>
    JSON.stringify((each['spec'] as { taints?: unknown[] } | undefined)?.taints ?? []);
  if (taints(object) !== taints(old)) {
    throw forbidden(
      { group: '', plural: 'nodes' },
      old.metadata.name ?? '',
      `node ${JSON.stringify(node)} is not allowed to modify taints`,
    );
  }
}

export function admitNodesLease(identity: Identity, object: KubeObject): void {
  const node = nodeNameOf(identity);
  const name = object.metadata.name ?? '';
  if (node !== null && name !== node) {
    throw forbidden(
      { group: 'coordination.k8s.io', plural: 'leases' },
      name,
      `node ${JSON.stringify(node)} can only access node lease with the same name as the requesting node`,
    );
  }
}

const ownLabels: ReadonlySet<string> = new Set([
  'beta.kubernetes.io/arch',
  'beta.kubernetes.io/instance-type',
  'beta.kubernetes.io/os',
  'failure-domain.beta.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.kubernetes.io/region',
  'failure-domain.kubernetes.io/zone',
  'kubernetes.io/arch',
  'kubernetes.io/hostname',
  'kubernetes.io/instance-type',
  'kubernetes.io/os',
  'node.kubernetes.io/instance-type',
  'topology.kubernetes.io/region',
  'topology.kubernetes.io/zone',
]);
const ownLabelDomains = /(^|\.)(kubelet|node)\.kubernetes\.io$/;
const guardedLabelDomains = /(^|\.)(kubernetes|k8s)\.io$/;

/** A node must not draw pods to itself by labels that people select trusted nodes by. `old` undefined: it is new. */
export function admitNodesLabels(
  identity: Identity,
  { metadata }: KubeObject,
  old: KubeObject | undefined,
): void {
  const node = nodeNameOf(identity);
  if (node === null) return;
  const { labels: after = {} } = metadata;
  const before = old?.metadata.labels ?? {};
  const guarded = Object.keys({ ...before, ...after })
    .filter((label) => after[label] !== before[label] && isGuarded(label))
    .toSorted();
  if (guarded.length === 0) return;
  const verb = old === undefined ? 'set' : 'modify';
  throw forbidden(
    { group: '', plural: 'nodes' },
    metadata.name ?? '',
    `node ${JSON.stringify(node)} is not allowed to ${verb} labels: ${guarded.join(', ')}`,
  );
}

function isGuarded(label: string): boolean {
  const [domain, name] = label.split('/');
  return (
    name !== undefined &&
    guardedLabelDomains.test(domain!) &&
    !ownLabelDomains.test(domain!) &&
    !ownLabels.has(label)
  );
}
