import { opt } from '../../schema.js';
import { age, ageColumn, column, defineResource, nameColumn, wideColumn } from '../define-resource.js';
import { kindSchema, type KubeKind } from '../kind.js';
import { nodeSpec } from './spec.js';
import { nodeStatus } from './status.js';

export const nodeSchema = kindSchema('io.k8s.api.core.v1.Node', 'A machine that runs pods.', {
  spec: opt(nodeSpec, 'What is wanted.'),
  status: opt(nodeStatus, 'What was last observed.'),
});
export type Node = KubeKind<typeof nodeSchema>;

const ROLE_LABEL_PREFIX = 'node-role.kubernetes.io/';

const rolesText = ({ metadata: { labels = {} } }: Node): string => {
  const roles = Object.entries(labels).flatMap(([key, value]) => {
    if (key.startsWith(ROLE_LABEL_PREFIX)) return key.slice(ROLE_LABEL_PREFIX.length) || [];
    return key === 'kubernetes.io/role' && value !== '' ? value : [];
  });
  return roles.length === 0 ? '<none>' : [...new Set(roles)].toSorted().join(',');
};

const statusText = ({ spec, status }: Node): string => {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')?.status;
  const readiness = ready === undefined ? 'Unknown' : ready === 'True' ? 'Ready' : 'NotReady';
  return spec.unschedulable === true ? `${readiness},SchedulingDisabled` : readiness;
};

const addressText = ({ status }: Node, wanted: string): string =>
  status?.addresses?.find(({ type }) => type === wanted)?.address ?? '<none>';

export const nodes = defineResource<Node>({
  group: '',
  version: 'v1',
  kind: 'Node',
  plural: 'nodes',
  singular: 'node',
  shortNames: ['no'],
  namespaced: false,
  subresources: ['status'],
  schema: nodeSchema,
  columns: [
    nameColumn,
    column('Status', 'Whether it takes and runs pods.'),
    column('Roles', 'From its node-role.kubernetes.io labels.'),
    ageColumn,
    column('Version', "Its agent's version."),
    wideColumn('Internal-IP', 'Its address within the cluster.'),
    wideColumn('External-IP', 'Its address from outside.'),
    wideColumn('OS-Image', 'Its operating system.'),
    wideColumn('Kernel-Version', "Its kernel's version."),
    wideColumn('Container-Runtime', 'What runs its containers.'),
  ],
  row: (node, now) => {
    const info = node.status?.nodeInfo;
    return [
      node.metadata.name ?? '',
      statusText(node),
      rolesText(node),
      age(node, now),
      info?.kubeletVersion ?? '',
      addressText(node, 'InternalIP'),
      addressText(node, 'ExternalIP'),
      info?.osImage || '<unknown>',
      info?.kernelVersion || '<unknown>',
      info?.containerRuntimeVersion || '<unknown>',
    ];
  },
});
