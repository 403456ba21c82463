import { type Infer, mapList, oneOf, opt, req, str } from '../schema.js';
import { coreV1 } from './define.js';
import { column, defineResource, nameColumn } from './define-resource.js';
import { kindSchema, type KubeKind } from './kind.js';

export const componentCondition = coreV1('ComponentCondition', {
  status: req(oneOf(['True', 'False', 'Unknown'])),
  type: req(str()),
  error: opt(str()),
  message: opt(str()),
});
export type ComponentCondition = Infer<typeof componentCondition>;

export const componentStatusSchema = kindSchema(
  'io.k8s.api.core.v1.ComponentStatus',
  'Whether a part of the control plane is well, as asked on reading. Never stored.',
  {
    conditions: opt(mapList(componentCondition, ['type'])),
  },
);
export type ComponentStatus = KubeKind<typeof componentStatusSchema>;

export const componentStatuses = defineResource<ComponentStatus>({
  group: '',
  version: 'v1',
  kind: 'ComponentStatus',
  plural: 'componentstatuses',
  singular: 'componentstatus',
  shortNames: ['cs'],
  namespaced: false,
  verbs: ['get', 'list'],
  schema: componentStatusSchema,
  columns: [
    nameColumn,
    column('Status', 'Healthy, Unhealthy or Unknown.'),
    column('Message', 'What the health check answered.'),
    column('Error', 'Why the health check failed.'),
  ],
  row: (object) => {
    const healthy = object.conditions?.find(({ type }) => type === 'Healthy');
    const status = { True: 'Healthy', False: 'Unhealthy', Unknown: 'Unknown' }[healthy?.status ?? 'Unknown'];
    return [object.metadata.name ?? '', status, healthy?.message ?? '', healthy?.error ?? ''];
  },
});
