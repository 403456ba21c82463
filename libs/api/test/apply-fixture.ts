import { serverSideApply, trackUpdate, type ApplyRequest } from '../src/apply/index.js';
import { findResource } from '../src/registry.js';
import type { KubeObject, ManagedFieldsEntry, Resource } from '../src/resource.js';
import { ApiError } from '../src/status/index.js';

export const resourceOf = (group: string, plural: string): Resource => {
  const resource = findResource(group, 'v1', plural);
  if (resource === undefined) throw new Error(plural);
  return resource;
};
export const configMaps = resourceOf('', 'configmaps');
export const deployments = resourceOf('apps', 'deployments');
export const services = resourceOf('', 'services');

export const minute = (at: number): string => `2026-01-01T00:0${at}:00Z`;

export const configMap = (data: { [key: string]: string }, metadata: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'c', namespace: 'default', ...metadata },
  data,
});

export interface Options extends Partial<Pick<ApplyRequest, 'force' | 'subresource' | 'time'>> {
  readonly resource?: Resource;
}
export const apply = (
  live: KubeObject | undefined,
  applied: KubeObject,
  manager: string,
  options: Options = {},
) => {
  const { resource = configMaps, ...rest } = options;
  const apiVersion = resource.group === '' ? 'v1' : `${resource.group}/v1`;
  return serverSideApply({
    schema: resource.schema,
    live,
    applied,
    manager,
    force: false,
    apiVersion,
    time: minute(1),
    ...rest,
  });
};
export const update = (
  old: KubeObject | undefined,
  object: KubeObject,
  manager: string,
  options: Omit<Options, 'force'> = {},
): KubeObject => {
  const { resource = configMaps, ...rest } = options;
  const apiVersion = resource.group === '' ? 'v1' : `${resource.group}/v1`;
  return trackUpdate({
    schema: resource.schema,
    old,
    new: object,
    manager,
    apiVersion,
    time: minute(2),
    ...rest,
  });
};
export const entryOf = (
  object: KubeObject,
  manager: string,
  operation = 'Apply',
): ManagedFieldsEntry | undefined =>
  object.metadata.managedFields?.find((entry) => entry.manager === manager && entry.operation === operation);
export const conflictOf = (act: () => unknown): ApiError => {
  try {
    act();
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
};
