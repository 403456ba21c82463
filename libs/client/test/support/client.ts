import { createLogger } from '@raftsman/telemetry';
import { createApiClient, type ApiClient } from '../../src/api-client.js';
import type { ResourceType } from '../../src/types.js';

export const silent = createLogger({ component: 'test', level: 'silent' });

export const connect = (...apiservers: string[]): ApiClient =>
  createApiClient({ apiservers, security: 'insecure', fieldManager: 'test' });

export const configMaps: ResourceType = {
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  namespaced: true,
};

export const configMap = (name: string, data: { [key: string]: string } = {}, namespace = 'default') => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace, labels: { app: name } },
  data,
});
export type ConfigMap = ReturnType<typeof configMap>;
