import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { openApiV2, resources } from '../../src/index.js';

/** The published OpenAPI 2 document of Kubernetes v1.35; it lies beside the repository and is not part of it. */
const referencePath = fileURLToPath(
  new URL('../../../../../shared/reference/kubernetes-openapi.json.gz', import.meta.url),
);
const isThere = existsSync(referencePath);
if (!isThere) console.warn(`SKIPPED: no reference to compare the schemas with at ${referencePath}`);

type Json = { readonly [key: string]: unknown };
const isJson = (value: unknown): value is Json => typeof value === 'object' && value !== null;

/** Words, which are ours, and unions, which no client reads. */
const leftOut = new Set(['description', 'x-kubernetes-unions']);

/** Only what is compared, `required` in any order; `properties` keeps its names, whatever they are. */
const facts = (value: unknown, areNames = false): unknown => {
  if (Array.isArray(value)) return value.map((each) => facts(each));
  if (!isJson(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => areNames || !leftOut.has(key))
      .map(([key, each]) => {
        if (key === 'required' && !areNames && Array.isArray(each)) return [key, new Set(each)];
        return [key, facts(each, key === 'properties' && !areNames)];
      }),
  );
};

const definitionsOf = (document: unknown): Json =>
  isJson(document) && isJson(document['definitions']) ? document['definitions'] : {};

const ours = definitionsOf(openApiV2());

test('every kind has a definition', () => {
  for (const { schema } of resources) expect(ours).toHaveProperty([schema.name ?? '']);
  expect(Object.keys(ours).length).toBeGreaterThan(190);
});

describe.skipIf(!isThere)(
  'as in Kubernetes v1.35: fields, types, required, list types and merge keys',
  () => {
    const reference = isThere
      ? definitionsOf(JSON.parse(gunzipSync(readFileSync(referencePath)).toString('utf8')))
      : {};

    test.each(Object.keys(ours))('%s', (name) => {
      expect(facts(ours[name])).toEqual(facts(reference[name]));
    });
  },
);
