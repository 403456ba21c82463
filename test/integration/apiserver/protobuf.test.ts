import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { kubectl, kubectlMissing } from '../../support/kubectl.js';
import { anyStore, startTestBed, type TestBed } from './harness.js';

const protobuf = 'application/vnd.kubernetes.protobuf';

/** A field that holds bytes, and the body of a request, by hand: all lengths are below 128. */
const field = (number: number, ...parts: readonly (Buffer | string)[]): Buffer => {
  const content = Buffer.concat(parts.map((part) => Buffer.from(part as string)));
  return Buffer.concat([Buffer.from([number * 8 + 2, content.length]), content]);
};
const body = (apiVersion: string, kind: string, ...raw: readonly Buffer[]): Buffer =>
  Buffer.concat([Buffer.from('k8s\0'), field(1, field(1, apiVersion), field(2, kind)), field(2, ...raw)]);
const named = (name: string): Buffer => field(1, field(1, name));

describe('protobuf bodies', () => {
  let bed: TestBed;
  beforeAll(async () => {
    bed = await startTestBed(anyStore);
  });
  afterAll(async () => bed.stop());

  const maps = '/api/v1/namespaces/default/configmaps';
  const send = (
    method: string,
    path: string,
    bytes: Buffer,
    { user = 'admin', ...headers }: Record<string, string> = {},
  ): Promise<Record<string, unknown>> =>
    new Promise((resolve, reject) => {
      const { folder } = bed.pki;
      const options = {
        method,
        agent: false,
        ca: readFileSync(folder.certFile('ca')),
        cert: readFileSync(folder.certFile(user)),
        key: readFileSync(folder.keyFile(user)),
        headers: { 'content-type': protobuf, 'content-length': bytes.length, ...headers },
      };
      const sent = request(`${bed.api.url}${path}`, options, (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('end', () => {
          const json = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
          resolve({ ...json, httpCode: answer.statusCode });
        });
      });
      sent.on('error', reject);
      sent.end(bytes);
    });

  test('make, change, scale, bind, evict and delete', async () => {
    expect(await send('POST', maps, body('v1', 'ConfigMap', named('a')))).toMatchObject({
      httpCode: 201,
      kind: 'ConfigMap',
      metadata: { name: 'a', namespace: 'default' },
    });
    const changed = body('v1', 'ConfigMap', named('a'), field(2, field(1, 'key'), field(2, 'value')));
    expect(await send('PUT', `${maps}/a`, changed)).toMatchObject({ httpCode: 200, data: { key: 'value' } });
    const options = body('v1', 'DeleteOptions', field(5, 'All'));
    expect(await send('DELETE', `${maps}/a`, options)).toMatchObject({ httpCode: 200 });
    const stale = body('v1', 'DeleteOptions', field(2, field(1, 'another-uid')));
    expect(await send('DELETE', `${maps}/a`, stale)).toMatchObject({ httpCode: 409, reason: 'Conflict' });
    expect(await send('DELETE', `${maps}/a`, body('v1', 'DeleteOptions'))).toMatchObject({ httpCode: 200 });

    const apps = '/apis/apps/v1/namespaces/default/deployments';
    const labels = field(1, field(1, 'app'), field(2, 'a'));
    const template = field(
      3,
      field(1, field(11, field(1, 'app'), field(2, 'a'))),
      field(2, field(2, named('c'))),
    );
    const container = field(
      3,
      field(1, field(11, field(1, 'app'), field(2, 'a'))),
      field(2, field(2, field(1, 'c'), field(2, 'i'))),
    );
    const deployment = (from: Buffer): Buffer =>
      body('apps/v1', 'Deployment', named('d'), field(2, field(2, labels), from));
    expect(await send('POST', apps, deployment(template))).toMatchObject({
      httpCode: 422,
      reason: 'Invalid',
    });
    expect(await send('POST', apps, deployment(container))).toMatchObject({
      httpCode: 201,
      spec: { replicas: 1 },
    });
    const scale = body('autoscaling/v1', 'Scale', named('d'), field(2, Buffer.from([0x08, 3])));
    expect(await send('PUT', `${apps}/d/scale`, scale)).toMatchObject({
      httpCode: 200,
      spec: { replicas: 3 },
    });

    const pods = '/api/v1/namespaces/default/pods';
    const pod = body('v1', 'Pod', named('p'), field(2, field(2, field(1, 'c'), field(2, 'i'))));
    expect(await send('POST', pods, pod)).toMatchObject({ httpCode: 201, spec: { restartPolicy: 'Always' } });
    const binding = body('v1', 'Binding', named('p'), field(2, field(1, 'Node'), field(3, 'somewhere')));
    expect(await send('POST', `${pods}/p/binding`, binding)).toMatchObject({ httpCode: 201 });
    expect(await send('POST', `${pods}/p/binding`, binding)).toMatchObject({ httpCode: 409 });
    const eviction = body('policy/v1', 'Eviction', named('p'), field(2, Buffer.from([0x08, 0])));
    expect(await send('POST', `${pods}/p/eviction`, eviction)).toMatchObject({ httpCode: 201 });
  });

  test('what is wrong with one is said, after who sent it is known', async () => {
    const garbage = Buffer.from('k8s\0garbage');
    const refusals: readonly (readonly [Buffer, RegExp])[] = [
      [Buffer.from('garbage'), /does not appear to be a protobuf message/],
      [Buffer.alloc(0), /does not appear to be a protobuf message/],
      [garbage, /unexpected EOF|illegal/],
      [
        body('v1', 'ConfigMap', Buffer.from([0x0a, 0x7f])),
        /cannot be handled as a ConfigMap: unexpected EOF/,
      ],
      [body('v1', 'Widget'), /no kind "Widget" is registered for version "v1"/],
      [body('v1', 'Secret', named('a')), /Secret in version "v1" cannot be handled as a ConfigMap/],
    ];
    for (const [bytes, message] of refusals) {
      expect(await send('POST', maps, bytes)).toMatchObject({
        httpCode: 400,
        kind: 'Status',
        reason: 'BadRequest',
        message: expect.stringMatching(message) as string,
      });
    }
    expect(await send('POST', maps, garbage, { user: 'nobody' })).toMatchObject({ httpCode: 403 });
  });

  test('other types are refused with those that are taken; answers are JSON or none', async () => {
    const config = body('v1', 'ConfigMap', named('b'));
    expect(await send('POST', maps, config, { 'content-type': 'application/protobuf' })).toMatchObject({
      httpCode: 415,
      message: expect.stringContaining(`application/json, application/yaml, ${protobuf}`) as string,
    });
    const reviews = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
    const review = body('authentication.k8s.io/v1', 'SelfSubjectReview');
    for (const [path, bytes] of [
      [maps, config],
      [reviews, review],
    ] as const) {
      expect(await send('POST', path, bytes, { accept: protobuf })).toMatchObject({
        httpCode: 406,
        reason: 'NotAcceptable',
      });
      expect(await send('POST', path, bytes, { accept: `${protobuf},application/json` })).toMatchObject({
        httpCode: 201,
      });
    }
    expect(await send('PATCH', `${maps}/b`, config)).toMatchObject({
      httpCode: 415,
      message: expect.stringContaining('application/merge-patch+json') as string,
    });
  });

  describe.skipIf(kubectlMissing !== null)('of the real kubectl', () => {
    const run = async (line: string, input?: string): Promise<string> => {
      const { code, stdout, stderr } = await kubectl(bed.kubeconfig('admin'), line.split(' '), input);
      expect({ line, code, stderr }).toMatchObject({ line, code: 0 });
      return stdout;
    };
    const stored = async (what: string): Promise<Record<string, unknown>> => {
      const { metadata, ...rest } = JSON.parse(await run(`get ${what} -o json`)) as Record<
        string,
        unknown
      > & { metadata: object };
      return { ...rest, labels: (metadata as Record<string, unknown>)['labels'] };
    };

    test.each([
      ['serviceaccount/x', 'create serviceaccount x'],
      ['configmap/x', 'create configmap x --from-literal=a=b --from-literal=empty='],
      ['secret/x', 'create secret generic x --from-literal=a=b --type=example.com/x'],
      ['secret/y', 'create secret docker-registry y --docker-username=me --docker-password=secret'],
      ['deployment/x', 'create deployment x --image=a --image=b --replicas=0'],
      ['deployment/y', 'create deployment y --image=a --port=8080 -- sh -c true'],
      ['service/x', 'create service clusterip x --clusterip=None'],
      ['service/y', 'create service externalname y --external-name=example.com'],
      ['service/z', 'create service clusterip z --clusterip=10.96.77.7 --tcp=80:http --tcp=90:9090'],
    ])('%s is stored as if it had come as JSON', async (what, line) => {
      await run(line);
      const fromProtobuf = await stored(what);
      const [command = '', ...rest] = line.split(' -- ');
      const json = await run([`${command} --dry-run=client -o json`, ...rest].join(' -- '));
      await run(`delete ${what} --wait=false --now`);
      await run('create -f -', json);
      expect(fromProtobuf).toEqual(await stored(what));
      await run(`delete ${what}`);
    });

    test('what is not served is not found, whatever the body says', async () => {
      for (const line of ['create token default', 'auth can-i --list', 'create job x --image=a']) {
        const { code, stderr } = await kubectl(bed.kubeconfig('admin'), line.split(' '));
        expect([line, code]).toEqual([line, 1]);
        expect(stderr).toMatch(/could not find the requested resource|is not supported on resources/);
      }
    });
  });
});
