import type { Container, EnvVar, Pod } from '@raftsman/api';
import { agentLimits } from '../limits.js';
import type { ObjectReader } from '../sources.js';
import { ContainerConfigError } from './config-error.js';
import { expand } from './expansion.js';
import { fieldValue, resourceFieldValue, type PodFacts } from './fields.js';

/**
 * A container's variables in the order in which Kubernetes defines them: envFrom first, then env, each of which may refer
 * to those before it. Rejects with ContainerConfigError for what is referred to and not there.
 */
export async function resolveEnvironment(
  pod: Pod,
  container: Container,
  facts: PodFacts,
  objects: ObjectReader,
): Promise<ReadonlyMap<string, string>> {
  const variables = new Map<string, string>();
  for (const { prefix = '', configMapRef, secretRef } of container.envFrom ?? []) {
    const data =
      configMapRef === undefined
        ? await secretData(pod, secretRef ?? {}, objects)
        : await configMapData(pod, configMapRef, objects);
    for (const [key, value] of data)
      if (isVariableName(prefix + key)) variables.set(prefix + key, value.toString());
  }
  for (const entry of container.env ?? []) {
    const value = await valueOf(pod, container, entry, variables, facts, objects);
    if (value !== undefined) variables.set(entry.name, value);
  }
  assertSize(variables);
  return variables;
}

/** As Kubernetes 1.34 and newer: printable ASCII except '='. */
const isVariableName = (name: string): boolean => /^[\x20-\x3c\x3e-\x7e]+$/.test(name);

function assertSize(variables: ReadonlyMap<string, string>): void {
  let bytes = 0;
  for (const [name, value] of variables) {
    if (value.includes('\0')) throw new ContainerConfigError(`variable ${name} holds a zero byte`);
    bytes += name.length + Buffer.byteLength(value) + 2;
  }
  if (bytes > agentLimits.environmentBytesMax)
    throw new ContainerConfigError(
      `the variables take ${bytes} bytes, more than ${agentLimits.environmentBytesMax}`,
    );
}

async function valueOf(
  pod: Pod,
  container: Container,
  entry: EnvVar,
  variables: ReadonlyMap<string, string>,
  facts: PodFacts,
  objects: ObjectReader,
): Promise<string | undefined> {
  const from = entry.valueFrom;
  if (from === undefined) return expand(entry.value ?? '', variables);
  if (from.fieldRef !== undefined) return fieldValue(pod, from.fieldRef.fieldPath, facts);
  if (from.resourceFieldRef !== undefined)
    return resourceFieldValue(pod, container, from.resourceFieldRef, facts);
  if (from.configMapKeyRef !== undefined)
    return keyOf(
      'ConfigMap',
      pod,
      from.configMapKeyRef,
      await configMapData(pod, from.configMapKeyRef, objects),
    );
  if (from.secretKeyRef !== undefined)
    return keyOf('Secret', pod, from.secretKeyRef, await secretData(pod, from.secretKeyRef, objects));
  throw new ContainerConfigError(`variable ${entry.name}: this source is not supported`);
}

function keyOf(
  kind: string,
  pod: Pod,
  ref: { readonly name?: string; readonly key: string; readonly optional?: boolean },
  data: ReadonlyMap<string, Buffer>,
): string | undefined {
  const value = data.get(ref.key);
  if (value === undefined && ref.optional !== true)
    throw new ContainerConfigError(
      `couldn't find key ${ref.key} in ${kind} ${pod.metadata.namespace ?? ''}/${ref.name ?? ''}`,
    );
  return value?.toString();
}

interface Reference {
  readonly name?: string;
  readonly optional?: boolean;
}

/** Keys of `data` and `binaryData`; empty if it is missing and optional. */
export async function configMapData(
  pod: Pod,
  ref: Reference,
  objects: ObjectReader,
): Promise<ReadonlyMap<string, Buffer>> {
  const found = await objects.configMap(pod.metadata.namespace ?? '', ref.name ?? '');
  if (found === undefined) return missing(`configmap "${ref.name ?? ''}" not found`, ref);
  return new Map([
    ...Object.entries(found.binaryData ?? {}).map(
      ([key, value]) => [key, Buffer.from(value, 'base64')] as const,
    ),
    ...Object.entries(found.data ?? {}).map(([key, value]) => [key, Buffer.from(value)] as const),
  ]);
}

export async function secretData(
  pod: Pod,
  ref: Reference,
  objects: ObjectReader,
): Promise<ReadonlyMap<string, Buffer>> {
  const found = await objects.secret(pod.metadata.namespace ?? '', ref.name ?? '');
  if (found === undefined) return missing(`secret "${ref.name ?? ''}" not found`, ref);
  return new Map(Object.entries(found.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64')]));
}

function missing(message: string, ref: Reference): ReadonlyMap<string, Buffer> {
  if (ref.optional === true) return new Map();
  throw new ContainerConfigError(message);
}
