import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ApiError } from '@raftsman/api';
import { decodeProtobuf, protobufType } from '../src/protobuf/body.js';
import { WireReader } from '../src/protobuf/wire.js';
import { bodyValue } from '../src/registry/body-value.js';

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
const envelope = (apiVersion: string, kind: string, raw: Buffer): Buffer =>
  Buffer.concat([Buffer.from('k8s\0'), bytes(1, bytes(1, apiVersion), bytes(2, kind)), bytes(2, raw)]);
const decode = (apiVersion: string, kind: string, raw: Buffer): unknown =>
  decodeProtobuf(envelope(apiVersion, kind, raw));
/** The code and message with which a body is refused. */
const refusal = (body: Buffer): string => {
  try {
    decodeProtobuf(body);
    return 'none';
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return `${error.code} ${error.message}`;
  }
};

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

  test('what Go writes where nothing was said is nothing, but a pointer to zero, and what is required, is said', () => {
    const noTime = bytes(8, '');
    const yearOne = bytes(8, Buffer.from([0x08, 0x80, 0x92, 0xb8, 0xc3, 0x98, 0xfe, 0xff, 0xff, 0xff, 0x01]));
    for (const time of [noTime, yearOne]) {
      const metadata = bytes(1, bytes(1, 'web'), bytes(2, ''), bytes(3, ''), number(7, 0), time);
      const port = bytes(6, bytes(1, ''), number(3, 0));
      const container = bytes(2, bytes(1, ''), bytes(2, ''), port, number(16, 0));
      const template = bytes(3, bytes(2, container, bytes(3, ''), number(4, 0), number(11, 0)));
      const spec = bytes(2, number(1, 0), template, bytes(4, ''), number(5, 0), number(7, 0));
      expect(decode('apps/v1', 'Deployment', Buffer.concat([metadata, spec]))).toEqual({
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'web' },
        spec: {
          replicas: 0,
          template: {
            spec: {
              containers: [{ name: '', ports: [{ containerPort: 0 }] }],
              terminationGracePeriodSeconds: 0,
            },
          },
          strategy: {},
        },
      });
    }
  });

  test('fields that the kind does not have are passed over, and packed lists are lists', () => {
    const unknown = [number(900, 1), bytes(901, 'x'), Buffer.from([0xb5, 0x38, 1, 2, 3, 4])];
    const groups = bytes(14, bytes(4, Buffer.from([1, 0x90, 0x4e])), number(4, 7));
    expect(decode('v1', 'Pod', bytes(2, groups, ...unknown))).toMatchObject({
      spec: { securityContext: { supplementalGroups: [1, 10_000, 7] } },
    });
  });

  test('managed fields are the JSON that they hold, read as carefully as any', () => {
    const managed = (json: string): Buffer => bytes(1, bytes(17, bytes(7, bytes(1, json))));
    expect(decode('v1', 'ConfigMap', managed('{"f:data":{}}'))).toMatchObject({
      metadata: { managedFields: [{ fieldsV1: { 'f:data': {} } }] },
    });
    for (const json of ['{', '{"__proto__":{}}', '[['.repeat(20_000)]) {
      expect(refusal(envelope('v1', 'ConfigMap', managed(json)))).toMatch(/^400 ConfigMap in version "v1"/);
    }
  });

  test.each([
    ['nothing', Buffer.alloc(0), /^400 provided data does not appear to be a protobuf message/],
    ['JSON', Buffer.from('{}'), /^400 provided data does not appear .* expected prefix \[107 56 115 0\]$/],
    ['only the magic', Buffer.from('k8s\0'), /^400 Object 'Kind' is missing/],
    ['an unknown kind', envelope('v1', 'Nothing', Buffer.alloc(0)), /^400 no kind "Nothing" is registered/],
    ['a prototype’s name', envelope('v1', 'constructor', Buffer.alloc(0)), /^400 no kind "constructor"/],
    ['a kind of another version', envelope('v9', 'Pod', Buffer.alloc(0)), /^400 no kind "Pod" .* "v9"$/],
    [
      'a length beyond the end',
      envelope('v1', 'Pod', Buffer.from([0x0a, 0x7f, 1])),
      /^400 Pod .*: unexpected EOF$/,
    ],
    [
      'a length of 2^62',
      envelope('v1', 'Pod', Buffer.from([0x0a, ...Array<number>(8).fill(0xff), 0x3f])),
      /unexpected EOF$/,
    ],
    [
      'a negative length',
      envelope('v1', 'Pod', Buffer.from([0x0a, ...Array<number>(9).fill(0xff), 1])),
      /negative length/,
    ],
    ['a number without end', envelope('v1', 'Pod', Buffer.alloc(64, 0xff)), /integer overflow$/],
    ['field zero', envelope('v1', 'Pod', Buffer.from([0, 0])), /illegal tag 0/],
    ['a group', envelope('v1', 'Pod', Buffer.from([0xf3, 0x3f])), /illegal wireType 3$/],
    ['a number for a message', envelope('v1', 'Pod', number(1, 1)), /wrong wireType = 0 for field metadata$/],
    ['text that is none', envelope('v1', 'Pod', bytes(1, bytes(1, Buffer.from([0xff])))), /invalid UTF-8$/],
    [
      'a key that is a prototype',
      envelope('v1', 'ConfigMap', bytes(2, bytes(1, '__proto__'), bytes(2, 'x'))),
      /the key "__proto__" is not allowed$/,
    ],
    [
      'more fields than anybody needs',
      envelope('v1', 'Pod', bytes(2, Buffer.alloc(300_000, Buffer.from([0x12, 0])))),
      /more than 65536 fields$/,
    ],
    [
      'more numbers than anybody needs',
      envelope('v1', 'Pod', bytes(2, bytes(14, bytes(4, Buffer.alloc(100_000, 1))))),
      /more than 65536 fields$/,
    ],
    [
      'nanoseconds beyond a second',
      envelope('v1', 'Pod', bytes(1, bytes(8, number(1, 1), number(2, 1_000_000_000)))),
      /Time\.MarshalJSON/,
    ],
  ])('%s is refused', (_, body, words) => {
    expect(refusal(body)).toMatch(words);
    expect(Object.getPrototypeOf({})).toBe(Object.prototype);
  });

  test('messages within messages end somewhere', () => {
    let nested: Buffer = Buffer.alloc(0);
    for (let depth = 0; depth < 100; depth += 1) nested = bytes(1, nested);
    const descend = (reader: WireReader): number =>
      reader.next() ? 1 + descend(reader.message('nested')) : 0;
    expect(() => descend(new WireReader(nested))).toThrow('exceeded max depth');
  });

  test('garbage is refused and never more than that', () => {
    const any = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((raw) => Buffer.from(raw)),
      fc.uint8Array({ maxLength: 200 }).map((raw) => envelope('v1', 'Pod', Buffer.from(raw))),
    );
    fc.assert(
      fc.property(any, (body) => {
        expect(refusal(body)).toMatch(/^(none|400 )/);
      }),
      { numRuns: 2_000 },
    );
  });

  test('the content type decides, and one that is unknown is told which are known', () => {
    const config = envelope('v1', 'ConfigMap', bytes(1, bytes(1, 'a')));
    const value = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } };
    const json = Buffer.from(JSON.stringify(value));
    for (const contentType of ['', 'application/json; charset=utf-8', 'application/yaml']) {
      expect(bodyValue({ bytes: json, contentType }).value).toEqual(value);
    }
    expect(bodyValue({ bytes: config, contentType: `${protobufType}; charset=utf-8` }).value).toEqual(value);
    expect(() => bodyValue({ bytes: json, contentType: 'text/plain' })).toThrow(
      'accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf',
    );
  });
});
