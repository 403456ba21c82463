import { Definitions, v2, v3, type Json } from './openapi/definitions.js';
import { groupVersionPath, pathsOf, type OperationStyle } from './openapi/paths.js';
import { resources as served } from './registry.js';
import type { Resource } from './resource.js';

const info = { title: 'Kubernetes', version: 'v1.35.0' } as const;
const JSON_TYPE = 'application/json';

const styleV3: OperationStyle = {
  parameter: ({ name, in: place, type }) => ({
    name,
    in: place,
    ...(place === 'path' ? { required: true } : {}),
    schema: { type },
  }),
  body: (mediaTypes, schema) => ({
    requestBody: {
      required: true,
      content: Object.fromEntries(mediaTypes.map((mediaType) => [mediaType, { schema }])),
    },
  }),
  answer: (schema) => ({ description: 'OK', content: { [JSON_TYPE]: { schema } } }),
};

const styleV2: OperationStyle = {
  parameter: ({ name, in: place, type }) => ({
    name,
    in: place,
    type,
    ...(place === 'path' ? { required: true } : {}),
  }),
  body: (mediaTypes, schema) => ({
    consumes: mediaTypes,
    parameters: [{ name: 'body', in: 'body', required: true, schema }],
  }),
  answer: (schema) => ({ description: 'OK', schema }),
};

const pathsAndDefinitions = (
  resources: readonly Resource[],
  definitions: Definitions,
  style: OperationStyle,
): Json =>
  Object.assign(
    {},
    ...resources.map((resource) =>
      pathsOf(resource, { object: definitions.kind(resource), list: definitions.list(resource) }, style),
    ),
  ) as Json;

/**
 * The OpenAPI 3 document of one group and version ("api/v1", "apis/apps/v1"), as served under /openapi/v3/; undefined where no resource
 * is in it. kubectl takes from it what `explain` says, how to merge patches, and whether the server validates fields.
 */
export const openApiV3 = (
  groupVersion: string,
  resources: readonly Resource[] = served,
): Json | undefined => {
  const within = resources.filter((resource) => groupVersionPath(resource) === groupVersion);
  if (within.length === 0) return undefined;
  const definitions = new Definitions(v3);
  const paths = pathsAndDefinitions(within, definitions, styleV3);
  return { openapi: '3.0.0', info, paths, components: { schemas: definitions.all } };
};

const FNV_PRIME = 0x0100_0193;
/** Two starts give two independent halves. */
const FNV_OFFSETS = [0x811c_9dc5, 0x050c_5d1f] as const;

const fnv1a = (text: string, offset: number): string => {
  let hash = offset;
  for (let index = 0; index < text.length; index += 1)
    hash = Math.imul(hash ^ text.charCodeAt(index), FNV_PRIME);
  return (hash >>> 0).toString(16).padStart(8, '0');
};

/** Tells documents apart: clients keep one until its hash changes. */
const hashOf = (document: Json): string => {
  const text = JSON.stringify(document);
  return FNV_OFFSETS.map((offset) => fnv1a(text, offset))
    .join('')
    .toUpperCase();
};

/** What /openapi/v3 answers: the documents there are, each with a hash for caching. */
export const openApiV3Index = (resources: readonly Resource[] = served): Json => {
  const groupVersions = [...new Set(resources.map(groupVersionPath))].toSorted();
  return {
    paths: Object.fromEntries(
      groupVersions.map((groupVersion) => {
        const hash = hashOf(openApiV3(groupVersion, resources) ?? {});
        return [groupVersion, { serverRelativeURL: `/openapi/v3/${groupVersion}?hash=${hash}` }];
      }),
    ),
  };
};

/** What /openapi/v2 answers, for clients that know no version 3. */
export const openApiV2 = (resources: readonly Resource[] = served): Json => {
  const definitions = new Definitions(v2);
  const paths = pathsAndDefinitions(resources, definitions, styleV2);
  return { swagger: '2.0', info, paths, definitions: definitions.all };
};
