import { opt } from '../../schema.js';
import { age, ageColumn, column, defineResource, nameColumn, wideColumn } from '../define-resource.js';
import { kindSchema, type KubeKind } from '../kind.js';
import { podSpec } from './spec.js';
import { podStatus } from './status.js';
import { podSummary, restartsText } from './summary.js';

export const podSchema = kindSchema(
  'io.k8s.api.core.v1.Pod',
  'Containers that run together on one node, with one address and shared volumes.',
  {
    spec: opt(podSpec, 'What is wanted.'),
    status: opt(podStatus, 'What was last observed.'),
  },
);
export type Pod = KubeKind<typeof podSchema>;

const NONE = '<none>';

/** Of the conditions that the pod's readiness gates wait for, how many are true. */
const readinessGatesText = ({ spec, status }: Pod): string => {
  const gates = spec.readinessGates ?? [];
  const passed = gates.filter(
    ({ conditionType }) => status?.conditions?.find(({ type }) => type === conditionType)?.status === 'True',
  );
  return gates.length === 0 ? NONE : `${passed.length}/${gates.length}`;
};

export const pods = defineResource<Pod>({
  group: '',
  version: 'v1',
  kind: 'Pod',
  plural: 'pods',
  singular: 'pod',
  shortNames: ['po'],
  categories: ['all'],
  namespaced: true,
  subresources: ['binding', 'eviction', 'log', 'status'],
  schema: podSchema,
  columns: [
    nameColumn,
    column('Ready', 'How many of its containers are ready.'),
    column('Status', 'Its phase, or what keeps its containers from running.'),
    column('Restarts', 'How often its containers were restarted, and when last.'),
    ageColumn,
    wideColumn('IP', 'Its address.'),
    wideColumn('Node', 'Where it runs.'),
    wideColumn('Nominated Node', 'Where it will run once others have made room.'),
    wideColumn('Readiness Gates', 'How many of the conditions it waits for are true.'),
  ],
  row: (pod, now) => {
    const summary = podSummary(pod);
    return [
      pod.metadata.name ?? '',
      `${summary.readyContainers}/${summary.totalContainers}`,
      summary.status,
      restartsText(summary, now),
      age(pod, now),
      pod.status?.podIPs?.[0]?.ip || pod.status?.podIP || NONE,
      pod.spec.nodeName || NONE,
      pod.status?.nominatedNodeName || NONE,
      readinessGatesText(pod),
    ];
  },
});
