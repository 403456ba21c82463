import { describe, expect, test } from 'vitest';
import { cannotBeHandled, checkFields, resourceOfKind, type Resource } from '../src/index.js';

const resource = (apiVersion: string, kind: string): Resource => {
  const found = resourceOfKind(apiVersion, kind);
  if (found === undefined) throw new Error(`no ${kind}`);
  return found;
};
const deployments = resource('apps/v1', 'Deployment');
const inContainer = (container: unknown) => ({ spec: { template: { spec: { containers: [container] } } } });

describe('unknown fields', () => {
  const object = { metadata: { name: 'x', foo: 1 }, spec: { replica: 2, ...inContainer({ bar: 1 }).spec } };
  const said = ['metadata.foo', 'spec.replica', 'spec.template.spec.containers[0].bar'].map(
    (path) => `unknown field "${path}"`,
  );

  test('are an error where fields are validated strictly', () => {
    const { error } = checkFields(deployments.schema, object, 'Strict');
    expect(error).toBe(`strict decoding error: ${said.join(', ')}`);
    expect(cannotBeHandled(deployments, error ?? '')).toMatchObject({
      code: 400,
      message: `Deployment in version "v1" cannot be handled as a Deployment: ${error}`,
    });
  });

  test('are warned of, or passed over, and dropped in any case', () => {
    const warned = checkFields(deployments.schema, object, 'Warn');
    expect(warned.error).toBeUndefined();
    expect(warned.warnings).toEqual(said);
    const ignored = checkFields(deployments.schema, object, 'Ignore');
    expect(ignored).toEqual({ value: warned.value, error: undefined, warnings: [] });
    expect(ignored.value).toEqual({
      metadata: { name: 'x' },
      spec: { template: { spec: { containers: [{}] } } },
    });
  });

  test('are listed up to a bound', () => {
    const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`f${index}`, 1]));
    expect(checkFields(deployments.schema, many, 'Warn').warnings.length).toBeLessThanOrEqual(100);
  });

  test('named like what every object inherits are unknown too', () => {
    const hostile = JSON.parse(
      '{"spec":{"__proto__":{"replicas":1},"constructor":1,"toString":2}}',
    ) as unknown;
    const { value, error } = checkFields(deployments.schema, hostile, 'Strict');
    expect(error).toContain('unknown field "spec.__proto__"');
    expect(value).toEqual({ spec: {} });
    expect(Object.getPrototypeOf(value['spec'])).toBe(Object.prototype);
  });
});

test('a key such as __proto__ is an ordinary key of a map', () => {
  const configMap = JSON.parse('{"data":{"__proto__":"x"}}') as unknown;
  const { value } = checkFields(resource('v1', 'ConfigMap').schema, configMap, 'Strict');
  expect(JSON.stringify(value)).toBe('{"data":{"__proto__":"x"}}');
});

describe('wrong types', () => {
  test.each([
    [{ spec: { replicas: '2' } }, 'string into Go struct field DeploymentSpec.spec.replicas of type int32'],
    [
      { spec: { replicas: 1.5 } },
      'number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32',
    ],
    [
      { spec: { replicas: 2 ** 31 } },
      'number 2147483648 into Go struct field DeploymentSpec.spec.replicas of type int32',
    ],
    [{ spec: { paused: 'yes' } }, 'string into Go struct field DeploymentSpec.spec.paused of type bool'],
    [{ spec: [] }, 'array into Go struct field Deployment.spec of type v1.DeploymentSpec'],
    [
      { metadata: { labels: { a: 1 } } },
      'number into Go struct field ObjectMeta.metadata.labels of type string',
    ],
    [
      inContainer({ env: [{ name: 'a', value: true }] }),
      'bool into Go struct field EnvVar.spec.template.spec.containers.env.value of type string',
    ],
    [
      { spec: { template: { spec: { containers: {} } } } },
      'object into Go struct field PodSpec.spec.template.spec.containers of type []v1.Container',
    ],
    [[], 'array into Go value of type v1.Deployment'],
  ])('%j', (object, said) => {
    for (const mode of ['Strict', 'Warn', 'Ignore'] as const)
      expect(checkFields(deployments.schema, object, mode).error).toBe(`json: cannot unmarshal ${said}`);
  });

  test('a quantity that is none', () => {
    const { error } = checkFields(
      deployments.schema,
      inContainer({ resources: { limits: { cpu: 'lots' } } }),
      'Ignore',
    );
    expect(error).toMatch(/^quantities must match/);
  });

  test('a time that is none, bytes that are not base64', () => {
    const time = checkFields(deployments.schema, { metadata: { creationTimestamp: 'now' } }, 'Ignore');
    expect(time.error).toMatch(/^parsing time "now" as/);
    const bytes = checkFields(resource('v1', 'Secret').schema, { data: { a: 'abc!' } }, 'Ignore');
    expect(bytes.error).toBe('illegal base64 data at input byte 3');
  });
});

describe('what comes out', () => {
  test('nulls are as absent, among items as zero', () => {
    const object = { metadata: { creationTimestamp: null, labels: { a: null } }, spec: { replicas: null } };
    expect(checkFields(deployments.schema, object, 'Strict').value).toEqual({
      metadata: { labels: { a: '' } },
      spec: {},
    });
    expect(checkFields(deployments.schema, inContainer(null), 'Strict').value).toEqual(inContainer({}));
  });

  test('quantities and times in their canonical form', () => {
    const amounts = inContainer({ resources: { limits: { cpu: 0.5, memory: '1024Mi' } } });
    expect(checkFields(deployments.schema, amounts, 'Strict').value).toEqual(
      inContainer({ resources: { limits: { cpu: '500m', memory: '1Gi' } } }),
    );
    const lease = { spec: { acquireTime: '2026-01-01T01:00:00.5+01:00' } };
    expect(checkFields(resource('coordination.k8s.io/v1', 'Lease').schema, lease, 'Strict').value).toEqual({
      spec: { acquireTime: '2026-01-01T00:00:00.500000Z' },
    });
    const meta = { metadata: { creationTimestamp: '2026-01-01T00:00:00.999Z' } };
    expect(checkFields(deployments.schema, meta, 'Strict').value).toEqual({
      metadata: { creationTimestamp: '2026-01-01T00:00:00Z' },
    });
  });

  test('zeros are kept', () => {
    expect(checkFields(deployments.schema, { spec: { replicas: 0 } }, 'Strict').value).toEqual({
      spec: { replicas: 0 },
    });
  });

  test('free-form values are bounded in depth', () => {
    let deep: unknown = {};
    for (let level = 0; level < 200; level += 1) deep = { f: deep };
    const object = { metadata: { managedFields: [{ fieldsV1: deep }] } };
    expect(checkFields(deployments.schema, object, 'Ignore').error).toBe('exceeded max depth');
  });
});
