import {
  apiVersionOf,
  partialObjectMetadata,
  partialObjectMetadataList,
  toTable,
  type IncludeObject,
  type KubeList,
  type KubeObject,
  type Resource,
  type Status,
} from '@raftsman/api';
import type { WatchEvent } from '../cacher/watch-event.js';
import type { ListResult } from '../registry/core.js';
import type { Representation } from './negotiate.js';

export interface Presentation {
  readonly as: Representation['as'];
  readonly includeObject: IncludeObject;
  readonly now: number;
}

/** One object as the client wants to see it; a Status is always itself. */
export function presentObject(resource: Resource, object: KubeObject | Status, how: Presentation): unknown {
  if (object.kind === 'Status' || object.kind === 'Scale') return object;
  const { includeObject, now } = how;
  switch (how.as) {
    case '':
    case 'APIGroupDiscoveryList':
      return object;
    case 'Table':
      return toTable(resource, object as KubeObject, { includeObject, now });
    case 'PartialObjectMetadata':
      return partialObjectMetadata(object as KubeObject);
  }
}

export function presentList(resource: Resource, result: ListResult, how: Presentation): unknown {
  const list = kubeList(resource, result);
  const { includeObject, now } = how;
  switch (how.as) {
    case '':
    case 'APIGroupDiscoveryList':
      return list;
    case 'Table':
      return toTable(resource, list, { includeObject, now });
    case 'PartialObjectMetadata':
      return partialObjectMetadataList(list);
  }
}

function kubeList(resource: Resource, result: ListResult): KubeList {
  const { remainingItemCount } = result;
  return {
    kind: `${resource.kind}List`,
    apiVersion: apiVersionOf(resource),
    metadata: {
      resourceVersion: result.resourceVersion,
      ...(result.continueToken === '' ? {} : { continue: result.continueToken }),
      ...(remainingItemCount === undefined ? {} : { remainingItemCount }),
    },
    items: [...result.items],
  };
}

/** Lines of a watch. Plain events share their JSON among all watchers; tables name their columns once. */
export function watchLines(resource: Resource, how: Presentation): (event: WatchEvent) => string {
  if (how.as === '' || how.as === 'APIGroupDiscoveryList') {
    return (event) => `{"type":"${event.type}","object":${event.json}}\n`;
  }
  let first = true;
  return (event) => {
    const { includeObject } = how;
    const now = Date.now();
    const object =
      how.as === 'Table'
        ? event.type === 'BOOKMARK'
          ? {
              kind: 'Table',
              apiVersion: 'meta.k8s.io/v1',
              metadata: event.object.metadata,
              columnDefinitions: [],
              rows: [],
            }
          : toTable(resource, event.object, { includeObject, now, withColumns: first })
        : partialObjectMetadata(event.object);
    first = false;
    return `${JSON.stringify({ type: event.type, object })}\n`;
  };
}
