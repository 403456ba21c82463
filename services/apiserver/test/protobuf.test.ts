import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ApiError, resources, type ObjectSchema, type Schema } from '@raftsman/api';
import { protobufType, withoutProtobuf } from '../src/protobuf/body.js';
import { fieldNumbers } from '../src/protobuf/field-numbers.js';

/** The least of an encoder, by hand from the encoding's definition. */
const varint = (value: number): Buffer => {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return Buffer.from([...bytes, rest]);
};
const number = (field: number, value: number): Buffer => Buffer.concat([varint(field * 8), varint(value)]);
const bytes = (field: number, ...parts: readonly (Buffer | string)[]): Buffer => {
  const content = Buffer.concat(parts.map((part) => Buffer.from(part as string)));
  return Buffer.concat([varint(field * 8 + 2), varint(content.length), content]);
};
const envelope = (apiVersion: string, kind: string, raw: Buffer): { bytes: Buffer; contentType: string } => ({
  bytes: Buffer.concat([Buffer.from('k8s\0'), bytes(1, bytes(1, apiVersion), bytes(2, kind)), bytes(2, raw)]),
  contentType: protobufType,
});
const decode = (apiVersion: string, kind: string, raw: Buffer): unknown =>
  JSON.parse(Buffer.from(withoutProtobuf(envelope(apiVersion, kind, raw)).bytes).toString());

describe('Kubernetes protobuf', () => {
  test('becomes the JSON that it stands for', () => {
    const metadata = bytes(
      1,
      bytes(1, 'web'),
      bytes(8, number(1, 1_767_225_600)),
      bytes(11, bytes(1, 'a'), bytes(2, 'b')),
    );
    const probe = bytes(
      11,
      bytes(1, bytes(2, bytes(1, '/healthz'), bytes(2, number(1, 1), bytes(3, 'http')))),
      number(2, 5),
    );
    const resourcesOf = bytes(8, bytes(2, bytes(1, 'cpu'), bytes(2, bytes(1, '100m'))));
    const container = bytes(
      2,
      bytes(1, 'main'),
      bytes(2, 'image'),
      bytes(3, 'sh'),
      bytes(3, '-c'),
      resourcesOf,
      probe,
      number(16, 0),
    );
    const volume = bytes(1, bytes(1, 'v'), bytes(2, bytes(2, bytes(1, ''))));
    const spec = bytes(2, volume, container, number(4, 0), number(11, 1));
    expect(decode('v1', 'Pod', Buffer.concat([metadata, spec]))).toEqual({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'web', creationTimestamp: '2026-01-01T00:00:00Z', labels: { a: 'b' } },
      spec: {
        volumes: [{ name: 'v', emptyDir: {} }],
        containers: [
          {
            name: 'main',
            image: 'image',
            command: ['sh', '-c'],
            resources: { requests: { cpu: '100m' } },
            readinessProbe: { httpGet: { path: '/healthz', port: 'http' }, initialDelaySeconds: 5 },
          },
        ],
        terminationGracePeriodSeconds: 0,
        hostNetwork: true,
      },
    });
  });

  test('bytes become base64, and reviews and options are known too', () => {
    const data = bytes(2, bytes(1, 'x'), bytes(2, Buffer.from([0xff, 0])));
    expect(decode('v1', 'Secret', data)).toMatchObject({ data: { x: '/wA=' } });
    const asked = bytes(2, bytes(1, bytes(1, 'default'), bytes(2, 'get'), bytes(5, 'pods')));
    expect(decode('authorization.k8s.io/v1', 'SelfSubjectAccessReview', asked)).toMatchObject({
      spec: { resourceAttributes: { namespace: 'default', verb: 'get', resource: 'pods' } },
    });
    const options = Buffer.concat([number(1, 0), bytes(4, 'Foreground')]);
    expect(decode('v1', 'DeleteOptions', options)).toMatchObject({
      gracePeriodSeconds: 0,
      propagationPolicy: 'Foreground',
    });
  });

  test('other bodies are passed on as they are', () => {
    const body = { bytes: Buffer.from('{}'), contentType: 'application/json' };
    expect(withoutProtobuf(body)).toBe(body);
  });

  test('garbage is refused and never more than that', () => {
    const any = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((raw) => Buffer.from(raw)),
      fc.uint8Array({ maxLength: 200 }).map((raw) => envelope('v1', 'Pod', Buffer.from(raw)).bytes),
    );
    fc.assert(
      fc.property(any, (body) => {
        const codeOf = (): number => {
          try {
            withoutProtobuf({ bytes: body, contentType: protobufType });
            return 200;
          } catch (error) {
            if (!(error instanceof ApiError)) throw error;
            return error.code;
          }
        };
        expect([200, 400, 415]).toContain(codeOf());
      }),
      { numRuns: 2_000 },
    );
    expect(() => withoutProtobuf(envelope('v1', 'Nothing', Buffer.alloc(0)))).toThrow(ApiError);
  });

  test('every field of every kind has its number', () => {
    /** Fields that clients do not send, or that no longer have one number. */
    const without = new Set(['NodeAllocatableResourceClaimStatus.resources']);
    const missing: string[] = [];
    const seen = new Set<ObjectSchema>();
    const visit = (schema: Schema): void => {
      if (schema.kind === 'array') visit(schema.items);
      if (schema.kind === 'map') visit(schema.values);
      if (schema.kind === 'lazy') visit(schema.get());
      if (schema.kind !== 'object' || seen.has(schema)) return;
      seen.add(schema);
      const at = schema.name?.lastIndexOf('.') ?? 0;
      const group = fieldNumbers[schema.name?.slice(0, at) ?? ''] ?? {};
      const type = schema.name?.slice(at + 1) ?? '';
      const names = (line: string): string[] =>
        line.split(' ').flatMap((each) => {
          const name = each.replace(/[*=].*/, '');
          return name.startsWith('+') ? names(group[name.slice(1)]!) : [name];
        });
      const known = new Set(names(group[type] ?? ''));
      for (const [name, property] of Object.entries(schema.properties)) {
        const typeMeta =
          resources.some((resource) => resource.schema === schema) &&
          (name === 'apiVersion' || name === 'kind');
        if (!known.has(name) && !typeMeta && !without.has(`${type}.${name}`)) missing.push(`${type}.${name}`);
        visit(property.schema);
      }
    };
    for (const resource of resources) visit(resource.schema);
    expect(missing).toEqual([]);
  });
});
