import type { KubeObject } from '@raftsman/api';
import { StorageError } from './storage-error.js';

/** The value of a key: the object's JSON without metadata.resourceVersion, which is the key's mod revision. */
export function encodeObject(object: KubeObject): Buffer {
  const { resourceVersion: _, ...metadata } = object.metadata;
  return Buffer.from(JSON.stringify({ ...object, metadata }));
}

/** Throws StorageError `corrupt` if the value is not an object's JSON. */
export function decodeObject(key: string, value: Buffer, modRevision: number): KubeObject {
  let object: unknown;
  try {
    object = JSON.parse(value.toString());
  } catch (error) {
    throw new StorageError('corrupt', `the value of ${key} is not JSON`, { cause: error });
  }
  if (!isStoredObject(object)) throw new StorageError('corrupt', `the value of ${key} is not an API object`);
  object.metadata.resourceVersion = String(modRevision);
  return object;
}

function isStoredObject(value: unknown): value is KubeObject {
  const metadata = (value as KubeObject | null)?.metadata as unknown;
  return typeof metadata === 'object' && metadata !== null;
}
