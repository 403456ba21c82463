import type { Container, PodSpec } from '@raftsman/api';

export interface ReferencedNames {
  readonly configmaps: ReadonlySet<string>;
  readonly secrets: ReadonlySet<string>;
}

/** The ConfigMaps and Secrets of its namespace that a pod's node needs in order to run it. Pure. */
export function referencesOf(spec: PodSpec): ReferencedNames {
  const configmaps = new Set<string>();
  const secrets = new Set<string>();
  for (const { name } of spec.imagePullSecrets ?? []) add(secrets, name);
  for (const volume of spec.volumes ?? []) {
    add(configmaps, volume.configMap?.name);
    add(secrets, volume.secret?.secretName);
    for (const source of volume.projected?.sources ?? []) {
      add(configmaps, source.configMap?.name);
      add(secrets, source.secret?.name);
    }
  }
  const containers: readonly Pick<Container, 'env' | 'envFrom'>[] = [
    ...(spec.containers ?? []),
    ...(spec.initContainers ?? []),
    ...(spec.ephemeralContainers ?? []),
  ];
  for (const { env = [], envFrom = [] } of containers) {
    for (const { configMapRef, secretRef } of envFrom) {
      add(configmaps, configMapRef?.name);
      add(secrets, secretRef?.name);
    }
    for (const { valueFrom } of env) {
      add(configmaps, valueFrom?.configMapKeyRef?.name);
      add(secrets, valueFrom?.secretKeyRef?.name);
    }
  }
  return { configmaps, secrets };
}

const add = (names: Set<string>, name: string | undefined): void => {
  if (name !== undefined && name !== '') names.add(name);
};
