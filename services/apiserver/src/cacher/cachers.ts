import type { Resource } from '@raftsman/api';
import type { Logger } from '@raftsman/telemetry';
import { resourcePrefix } from '../storage/keys.js';
import type { Storage } from '../storage/storage.js';
import { Cacher } from './cacher.js';

/** One cacher per resource, made when first asked for. */
export interface Cachers {
  readonly of: (resource: Resource) => Cacher;
  close(): void;
}

export function createCachers(keyPrefix: string, storage: Storage, logger: Logger): Cachers {
  const cachers = new Map<Resource, Cacher>();
  return {
    of: (resource) => {
      let cacher = cachers.get(resource);
      if (cacher === undefined) {
        cacher = new Cacher(resource, resourcePrefix(keyPrefix, resource), storage, logger);
        cachers.set(resource, cacher);
      }
      return cacher;
    },
    close: () => {
      for (const cacher of cachers.values()) cacher.close();
    },
  };
}
