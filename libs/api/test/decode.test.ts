import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBody, objectOfKind, strictDecoding } from '../src/decode.js';
import { limits } from '../src/limits.js';
import { ApiError } from '../src/status/index.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const json = (text: string) => decodeBody(bytes(text), 'application/json; charset=utf-8');
const yaml = (text: string) => decodeBody(bytes(text), 'application/yaml');

const refusal = (act: () => unknown): ApiError => {
  try {
    act();
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
};

const attempt = (act: () => unknown): unknown => {
  try {
    return act();
  } catch (error) {
    return error;
  }
};

const deployment = { group: 'apps', version: 'v1', kind: 'Deployment' };

describe('JSON', () => {
  it('reads any JSON value as JSON.parse does', () => {
    const value = fc
      .jsonValue({ depthSize: 'small' })
      .filter((each) => !JSON.stringify(each).includes('__proto__'));
    fc.assert(
      fc.property(value, (each) => {
        const decoded = json(JSON.stringify(each));
        expect(decoded).toEqual({ value: JSON.parse(JSON.stringify(each)), strictErrors: [] });
      }),
    );
  });

  it('reports keys that come twice, with their paths, escapes resolved', () => {
    expect(json('{"a":1,"b":[{"c":1},{"c":1,"c":2}],"\\u0061":{}}').strictErrors).toEqual([
      'duplicate field "b[1].c"',
      'duplicate field "a"',
    ]);
    expect(json('{"a":"\\\\","b":"\\"a\\":","c":{"a":1},"d":{"a":1}}').strictErrors).toEqual([]);
  });

  it.each([
    ['', 400, "couldn't get version/kind; json parse error: Unexpected end of JSON input"],
    ['{"a":}', 400, 'json parse error'],
    ['{"__proto__":{"x":1}}', 400, 'the key "__proto__" is not allowed'],
    ['{"\\u005f_proto__":{"x":1}}', 400, 'the key "__proto__" is not allowed'],
    ['['.repeat(100_000) + ']'.repeat(100_000), 400, 'exceeded max depth'],
  ])('refuses %.20s', (text, code, message) => {
    const error = refusal(() => json(text));
    expect([error.code, error.message]).toEqual([code, expect.stringContaining(message)]);
  });

  it('refuses what is too large, not UTF-8, or neither JSON nor YAML', () => {
    expect(
      refusal(() => decodeBody(new Uint8Array(limits.bodySizeMaxBytes + 1), 'application/json')).code,
    ).toBe(413);
    expect(refusal(() => decodeBody(bytes('{}'), 'application/json', { sizeMaxBytes: 1 })).code).toBe(413);
    expect(refusal(() => decodeBody(new Uint8Array([0x22, 0xff, 0x22]), '')).message).toContain('UTF-8');
    expect(
      refusal(() => decodeBody(bytes('{}'), 'application/vnd.kubernetes.protobuf')).status,
    ).toMatchObject({
      code: 415,
      reason: 'UnsupportedMediaType',
    });
  });
});

describe('YAML', () => {
  it('reads what a manifest has, and JSON under its name', () => {
    expect(yaml('a: 1\nb: [x, "2"]\nc:\n  1: {d: null}\n').value).toEqual({
      a: 1,
      b: ['x', '2'],
      c: { 1: { d: null } },
    });
    expect(yaml(' {"a": 1, "a": 2}')).toEqual({ value: { a: 2 }, strictErrors: ['duplicate field "a"'] });
    expect(yaml('{a: 1}').value).toEqual({ a: 1 });
    expect(yaml('base: &b {x: 1}\nuse:\n  <<: *b\n  y: 2\n').value).toMatchObject({ use: { x: 1, y: 2 } });
    expect(yaml('t: 2020-01-01T00:00:00Z').value).toEqual({ t: '2020-01-01T00:00:00Z' });
  });

  it('reports keys that come twice, with their lines', () => {
    expect(yaml('a: 1\nb:\n  c: 1\n  c: 2\n').strictErrors).toEqual(['line 4: key "c" already set in map']);
  });

  it.each([
    ['a: [1\nb: 2', 'yaml: line 2: Flow sequence'],
    ['- '.repeat(60_000), 'exceeded max depth'],
    ['!a '.repeat(40_000), 'exceeded max depth'],
    ['['.repeat(60_000), 'exceeded max depth'],
    [']\n'.repeat(60_000), 'yaml: line 1'],
    [Array.from({ length: 450 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'), 'exceeded max depth'],
    ['a: 1\n---\nb: 2', 'multiple documents'],
    ['a: .inf', 'unsupported number'],
    ['__proto__: {x: 1}', 'the key "__proto__" is not allowed'],
    ['? [1]\n: 2', 'yaml'],
    ['x: '.repeat(3) + '- '.repeat(200) + '1', 'yaml'],
    [`a: ${'['.repeat(80)}${']'.repeat(80)}`, 'exceeded max depth'],
    [`a: "${'x'.repeat(limits.yamlSizeMaxBytes)}"`, 'may not be longer'],
    [
      // a billion laughs
      ['a0: &a0 [x,x,x,x,x,x,x,x,x,x]']
        .concat(Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(9)}*a${i}]`))
        .join('\n'),
      'yaml',
    ],
  ])('refuses %.20s', (text, message) => {
    const error = refusal(() => yaml(text));
    expect([error.code, error.message]).toEqual([400, expect.stringContaining(message)]);
  });

  it('answers any text with a value or with 400', () => {
    const character = fc.constantFrom(...Array.from('{}[]:-&*!|>\'"%@`#,? \nab1<'));
    fc.assert(
      fc.property(fc.string({ unit: character }), (text) => {
        const answer = attempt(() => yaml(text).value);
        expect(!(answer instanceof Error) || answer instanceof ApiError).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});

describe('the kind of a body', () => {
  it('is filled in from the path, and may not be another', () => {
    expect(objectOfKind({ metadata: { name: 'x' } }, deployment)).toEqual({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'x' },
    });
    expect(refusal(() => objectOfKind({ apiVersion: 'v1', kind: 'Deployment' }, deployment)).message).toBe(
      'the API version in the data (v1) does not match the expected API version (apps/v1)',
    );
    expect(refusal(() => objectOfKind({ kind: 'Pod' }, deployment)).message).toContain(
      'Pod in version "v1" cannot be handled as a Deployment',
    );
    expect(refusal(() => objectOfKind([], deployment)).message).toContain('must be of type Deployment');
    expect(refusal(() => objectOfKind({ metadata: 1 }, deployment)).code).toBe(400);
    expect(refusal(() => objectOfKind({ kind: 1 }, deployment)).code).toBe(400);
  });

  it('must be there for an apply', () => {
    expect(refusal(() => objectOfKind({ a: 1 }, deployment, { kindRequired: true })).message).toBe(
      `Object 'Kind' is missing in '{"a":1}'`,
    );
    expect(
      refusal(() => objectOfKind({ kind: 'Deployment' }, deployment, { kindRequired: true })).message,
    ).toContain("Object 'apiVersion' is missing");
  });
});

it('strict decoding refuses, warns or keeps silent', () => {
  const errors = ['duplicate field "a"', 'unknown field "b"'];
  expect(strictDecoding(deployment, errors, 'Ignore')).toEqual([]);
  expect(strictDecoding(deployment, errors, 'Warn')).toEqual(errors);
  expect(refusal(() => strictDecoding(deployment, errors, 'Strict')).message).toBe(
    'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: duplicate field "a", unknown field "b"',
  );
});
