import { opt } from '../../schema.js';
import { kindSchema, type KubeKind } from '../kind.js';
import { podSpec } from './spec.js';
import { podStatus } from './status.js';

export const podSchema = kindSchema('io.k8s.api.core.v1.Pod', {
  spec: opt(podSpec),
  status: opt(podStatus),
});
export type Pod = KubeKind<typeof podSchema>;
