import { resources, type Resource } from '@raftsman/api';
import { reviews } from './reviews.js';

/** https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api */

interface SubresourceInfo {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly verbs: readonly string[];
}

interface Served {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly subresources: ReadonlyMap<string, SubresourceInfo>;
}

const change = ['get', 'patch', 'update'] as const;

function subresourceInfo(resource: Resource, name: string): SubresourceInfo | null {
  const { group, version, kind } = resource;
  switch (name) {
    case 'status':
      return { group, version, kind, verbs: change };
    case 'scale':
      return { group: 'autoscaling', version: 'v1', kind: 'Scale', verbs: change };
    case 'binding':
      return { group: '', version: 'v1', kind: 'Binding', verbs: ['create'] };
    case 'eviction':
      return { group: 'policy', version: 'v1', kind: 'Eviction', verbs: ['create'] };
    case 'log':
      return { group, version, kind, verbs: ['get'] };
    case 'finalize':
      return { group, version, kind, verbs: ['update'] };
    default:
      return null; // not served yet, so not announced
  }
}

const served: readonly Served[] = [
  ...resources.map((resource) => ({
    ...resource,
    subresources: new Map(
      resource.subresources.flatMap((name) => {
        const info = subresourceInfo(resource, name);
        return info === null ? [] : [[name, info] as const];
      }),
    ),
  })),
  ...reviews.map((review) => ({
    ...review,
    namespaced: false,
    verbs: ['create'],
    shortNames: [],
    categories: [],
    subresources: new Map(),
  })),
];

export const groupVersions: readonly { readonly group: string; readonly version: string }[] = [
  ...new Map(served.map(({ group, version }) => [`${group}/${version}`, { group, version }])).values(),
];

const namesOf = ({ shortNames, categories }: Served): object => ({
  ...(shortNames.length > 0 ? { shortNames } : {}),
  ...(categories.length > 0 ? { categories } : {}),
});

/** /api/v1 and /apis/{group}/{version}; null: not served. */
export function apiResourceList(group: string, version: string): object | null {
  const found = served.filter((each) => each.group === group && each.version === version);
  if (found.length === 0) return null;
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: group === '' ? version : `${group}/${version}`,
    resources: found.flatMap((each) => [
      {
        name: each.plural,
        singularName: each.singular,
        namespaced: each.namespaced,
        kind: each.kind,
        verbs: each.verbs,
        ...namesOf(each),
      },
      ...[...each.subresources].map(([name, info]) => ({
        name: `${each.plural}/${name}`,
        singularName: '',
        namespaced: each.namespaced,
        kind: info.kind,
        ...(info.group === each.group ? {} : { group: info.group, version: info.version }),
        verbs: info.verbs,
      })),
    ]),
  };
}

/** /api */
export const apiVersions = (serverAddress: string): object => ({
  kind: 'APIVersions',
  versions: ['v1'],
  serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }],
});

const groupOf = (name: string): object => {
  const versions = groupVersions
    .filter(({ group }) => group === name)
    .map(({ version }) => ({ groupVersion: `${name}/${version}`, version }));
  return { name, versions, preferredVersion: versions[0] };
};

const groupNames: readonly string[] = [
  ...new Set(groupVersions.map(({ group }) => group).filter((group) => group !== '')),
];

/** /apis */
export const apiGroupList = (): object => ({
  kind: 'APIGroupList',
  apiVersion: 'v1',
  groups: groupNames.map(groupOf),
});

/** /apis/{group}; null: not served. */
export const apiGroup = (name: string): object | null =>
  groupNames.includes(name) ? { kind: 'APIGroup', apiVersion: 'v1', ...groupOf(name) } : null;

/** /api and /apis in one document each, as kubectl asks for them. */
export function aggregatedDiscovery(root: 'api' | 'apis'): object {
  const groups = root === 'api' ? [''] : groupNames;
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: 'apidiscovery.k8s.io/v2',
    metadata: {},
    items: groups.map((group) => ({
      metadata: { ...(group === '' ? {} : { name: group }), creationTimestamp: null },
      versions: groupVersions
        .filter((each) => each.group === group)
        .map(({ version }) => ({
          version,
          freshness: 'Current',
          resources: served
            .filter((each) => each.group === group && each.version === version)
            .map(discoveredResource),
        })),
    })),
  };
}

function discoveredResource(each: Served): object {
  const { group, version, kind } = each;
  const subresources = [...each.subresources].map(([subresource, info]) => ({
    subresource,
    responseKind: { group: info.group, version: info.version, kind: info.kind },
    verbs: info.verbs,
  }));
  return {
    resource: each.plural,
    responseKind: { group, version, kind },
    scope: each.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: each.singular,
    verbs: each.verbs,
    ...namesOf(each),
    ...(subresources.length > 0 ? { subresources } : {}),
  };
}
