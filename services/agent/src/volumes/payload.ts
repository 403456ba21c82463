import type {
  ConfigMapVolumeSource,
  DownwardAPIVolumeFile,
  KeyToPath,
  Pod,
  ProjectedVolumeSource,
  SecretVolumeSource,
} from '@raftsman/api';
import { ContainerConfigError } from '../containers/config-error.js';
import { configMapData, secretData } from '../containers/environment.js';
import { fieldValue, resourceFieldValue, type PodFacts } from '../containers/fields.js';
import { agentLimits } from '../limits.js';
import type { ObjectReader } from '../sources.js';
import { isSafePath, type Payload, type PayloadFile } from './atomic-writer.js';

const defaultMode = 0o644;

export interface PayloadContext {
  readonly pod: Pod;
  readonly facts: PodFacts;
  readonly objects: ObjectReader;
}

export async function configMapPayload(
  source: ConfigMapVolumeSource,
  context: PayloadContext,
): Promise<Payload> {
  const data = await configMapData(context.pod, source, context.objects);
  return project(data, source, `configmap ${source.name ?? ''}`);
}

export async function secretPayload(source: SecretVolumeSource, context: PayloadContext): Promise<Payload> {
  const { secretName: name, ...rest } = source;
  const ref = name === undefined ? rest : { ...rest, name };
  return project(await secretData(context.pod, ref, context.objects), rest, `secret ${name ?? ''}`);
}

export function downwardPayload(
  items: readonly DownwardAPIVolumeFile[] | undefined,
  mode: number | undefined,
  { pod, facts }: PayloadContext,
): Payload {
  const files = (items ?? []).map((item): readonly [string, PayloadFile] => {
    const value =
      item.fieldRef === undefined
        ? item.resourceFieldRef && resourceFieldValue(pod, undefined, item.resourceFieldRef, facts)
        : fieldValue(pod, item.fieldRef.fieldPath, facts);
    return [item.path, { data: Buffer.from(value ?? ''), mode: item.mode ?? mode ?? defaultMode }];
  });
  return checked(new Map(files));
}

export async function projectedPayload(
  source: ProjectedVolumeSource,
  context: PayloadContext,
): Promise<Payload> {
  const all = new Map<string, PayloadFile>();
  const mode = source.defaultMode === undefined ? {} : { defaultMode: source.defaultMode };
  for (const part of source.sources ?? []) {
    let payload: Payload;
    if (part.configMap !== undefined)
      payload = await configMapPayload({ ...part.configMap, ...mode }, context);
    else if (part.secret !== undefined) {
      const { name, ...rest } = part.secret;
      const secret = name === undefined ? rest : { ...rest, secretName: name };
      payload = await secretPayload({ ...secret, ...mode }, context);
    } else if (part.downwardAPI !== undefined)
      payload = downwardPayload(part.downwardAPI.items, source.defaultMode, context);
    else
      throw new ContainerConfigError(
        `projected source ${Object.keys(part).join(', ')} is not supported`,
        'FailedMount',
      );
    for (const [path, file] of payload) all.set(path, file);
  }
  return checked(all);
}

function project(
  data: ReadonlyMap<string, Buffer>,
  source: {
    readonly items?: readonly KeyToPath[];
    readonly defaultMode?: number;
    readonly optional?: boolean;
  },
  what: string,
): Payload {
  const base = source.defaultMode ?? defaultMode;
  if (source.items === undefined)
    return checked(new Map([...data].map(([key, bytes]) => [key, { data: bytes, mode: base }])));
  const files = new Map<string, PayloadFile>();
  for (const { key, path, mode } of source.items) {
    const bytes = data.get(key);
    if (bytes !== undefined) files.set(path, { data: bytes, mode: mode ?? base });
    else if (source.optional !== true)
      throw new ContainerConfigError(`${what} references non-existent key: ${key}`, 'FailedMount');
  }
  return checked(files);
}

function checked(payload: Payload): Payload {
  let bytes = 0;
  for (const [path, { data }] of payload) {
    if (!isSafePath(path))
      throw new ContainerConfigError(`path ${JSON.stringify(path)} leaves the volume`, 'FailedMount');
    bytes += data.length;
  }
  if (bytes > agentLimits.volumePayloadBytesMax)
    throw new ContainerConfigError(
      `the volume's files take ${bytes} bytes, more than ${agentLimits.volumePayloadBytesMax}`,
      'FailedMount',
    );
  return payload;
}
