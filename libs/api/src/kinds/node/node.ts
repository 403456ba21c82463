import { opt } from '../../schema.js';
import { kindSchema, type KubeKind } from '../kind.js';
import { nodeSpec } from './spec.js';
import { nodeStatus } from './status.js';

export const nodeSchema = kindSchema('io.k8s.api.core.v1.Node', {
  spec: opt(nodeSpec),
  status: opt(nodeStatus),
});
export type Node = KubeKind<typeof nodeSchema>;
