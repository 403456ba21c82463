import { readFileSync } from 'node:fs';
import { credentials, Metadata, status, type ClientReadableStream, type ServiceError } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Status } from '@raftsman/api';
import type { ApiClient } from '@raftsman/proto/gen/raftsman/v1/Api.js';
import type { Beat__Output } from '@raftsman/proto/gen/raftsman/v1/Beat.js';
import type { HeartbeatsClient } from '@raftsman/proto/gen/raftsman/v1/Heartbeats.js';
import type { Object__Output } from '@raftsman/proto/gen/raftsman/v1/Object.js';
import type { ResourceRef } from '@raftsman/proto/gen/raftsman/v1/ResourceRef.js';
import type { WatchEvent__Output } from '@raftsman/proto/gen/raftsman/v1/WatchEvent.js';
import { loadService } from '@raftsman/wire';
import { anyStore, eventually, startTestBed, type TestBed } from './harness.js';

const configMaps = (name = ''): ResourceRef => ({
  version: 'v1',
  resource: 'configmaps',
  namespace: 'default',
  name,
});
const configMap = (name: string, value: string, labels: object = {}): { json: Buffer } => ({
  json: Buffer.from(
    JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels }, data: { value } }),
  ),
});
const parse = (
  object: Object__Output,
): { metadata: { resourceVersion: string; name: string }; data: unknown } =>
  JSON.parse(object.json.toString()) as ReturnType<typeof parse>;

type Method<Request, Answer> = (
  request: Request,
  callback: (error: ServiceError | null, answer?: Answer) => void,
) => unknown;
const call = <Request, Answer>(method: Method<Request, Answer>, request: Request): Promise<Answer> =>
  new Promise((resolve, reject) => {
    method(request, (error, answer) => (error === null ? resolve(answer!) : reject(error)));
  });

/** The Status in an error's details, found by its braces: what surrounds it is protobuf. */
function statusIn(error: ServiceError): Status {
  const [bytes] = error.metadata.get('grpc-status-details-bin') as Buffer[];
  expect(bytes!.toString()).toContain('type.googleapis.com/raftsman.v1.KubernetesStatus');
  const text = bytes!.toString();
  return JSON.parse(text.slice(text.indexOf('{"kind":"Status"'))) as Status;
}

describe('raftsman.v1 over gRPC', () => {
  let bed: TestBed;
  const open: { close(): void }[] = [];

  const client = <T>(user: string, file: string, service: string): T => {
    const { folder } = bed.pki;
    const made = new (loadService(file, service))(
      bed.api.grpcAddress,
      credentials.createSsl(
        readFileSync(folder.certFile('ca')),
        readFileSync(folder.keyFile(user)),
        readFileSync(folder.certFile(user)),
      ),
    );
    open.push(made);
    return made as unknown as T;
  };
  const api = (user: string): ApiClient => client(user, 'raftsman/v1/api.proto', 'raftsman.v1.Api');
  const beats = (user: string): HeartbeatsClient =>
    client(user, 'raftsman/v1/heartbeat.proto', 'raftsman.v1.Heartbeats');

  beforeAll(async () => {
    bed = await startTestBed(anyStore);
  });
  afterAll(async () => {
    for (const each of open) each.close();
    await bed.stop();
  });

  test('creates, reads, lists, updates, patches and deletes', async () => {
    const admin = api('admin');
    const made = parse(
      await call(admin.create.bind(admin), { ref: configMaps(), object: configMap('a', '1') }),
    );
    expect(made.data).toEqual({ value: '1' });
    const { resourceVersion } = made.metadata;
    const again = { json: Buffer.from(JSON.stringify({ ...made, data: { value: '2' } })) };
    const updated = parse(await call(admin.update.bind(admin), { ref: configMaps('a'), object: again }));
    expect(Number(updated.metadata.resourceVersion)).toBeGreaterThan(Number(resourceVersion));
    const patched = await call(admin.patch.bind(admin), {
      ref: configMaps('a'),
      contentType: 'application/merge-patch+json',
      patch: Buffer.from('{"data":{"more":"3"}}'),
    });
    expect(parse(patched).data).toEqual({ value: '2', more: '3' });
    expect(parse(await call(admin.get.bind(admin), { ref: configMaps('a') }))).toEqual(parse(patched));
    await call(admin.create.bind(admin), { ref: configMaps(), object: configMap('b', '1', { x: 'y' }) });
    const some = await call(admin.list.bind(admin), { ref: configMaps(), labelSelector: 'x=y' });
    expect(some.items.map((item) => parse(item).metadata.name)).toEqual(['b']);
    const page = await call(admin.list.bind(admin), { ref: configMaps(), limit: 1 });
    expect([page.items.length, page.remainingItemCount]).toEqual([1, '1']);
    const rest = await call(admin.list.bind(admin), { ref: configMaps(), limit: 1, continue: page.continue });
    expect([rest.items.length, rest.continue]).toEqual([1, '']);
    const gone = await call(admin.delete.bind(admin), { ref: configMaps('a') });
    expect(parse(gone)).toMatchObject({ kind: 'Status', status: 'Success', details: { name: 'a' } });
    const all = await call(admin.deleteCollection.bind(admin), { ref: configMaps() });
    expect(all.items).toHaveLength(1);
    expect((await call(admin.list.bind(admin), { ref: configMaps() })).items).toHaveLength(0);
  });

  test('errors carry the Status that REST answers', async () => {
    const admin = api('admin');
    const missing = await call(admin.get.bind(admin), { ref: configMaps('none') }).catch(
      (error: ServiceError) => error,
    );
    expect(missing).toMatchObject({ code: status.NOT_FOUND, details: 'configmaps "none" not found' });
    expect(statusIn(missing as ServiceError)).toMatchObject({ reason: 'NotFound', code: 404 });
    const bad = { ref: configMaps(), object: configMap('Bad_Name', '') };
    const invalid = await call(admin.create.bind(admin), bad).catch((error: ServiceError) => error);
    expect(invalid).toMatchObject({ code: status.INVALID_ARGUMENT });
    expect(statusIn(invalid as ServiceError).details?.causes?.[0]).toMatchObject({ field: 'metadata.name' });
    const garbage = { ref: configMaps(), object: { json: Buffer.from('{') } };
    await expect(call(admin.create.bind(admin), garbage)).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
    });
    await expect(call(admin.get.bind(admin), {})).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
    const nobody = api('nobody');
    await expect(call(nobody.list.bind(nobody), { ref: configMaps() })).rejects.toMatchObject({
      code: status.PERMISSION_DENIED,
    });
  });

  test('a watch goes on from a revision, and one from too far back is out of range', async () => {
    const admin = api('admin');
    const { resourceVersion } = await call(admin.list.bind(admin), { ref: configMaps() });
    const seen: string[] = [];
    const stream: ClientReadableStream<WatchEvent__Output> = admin.watch({
      ref: configMaps(),
      resourceVersion,
      labelSelector: 'sight=in',
    });
    stream.on('error', () => undefined);
    stream.on('data', ({ type, object }: WatchEvent__Output) => {
      seen.push(`${type} ${parse(object!).metadata.name}`);
    });
    await call(admin.create.bind(admin), { ref: configMaps(), object: configMap('w', '1', { sight: 'in' }) });
    await call(admin.update.bind(admin), {
      ref: configMaps('w'),
      object: configMap('w', '2', { sight: 'in' }),
    });
    await call(admin.update.bind(admin), {
      ref: configMaps('w'),
      object: configMap('w', '3', { sight: 'out' }),
    });
    await call(admin.update.bind(admin), {
      ref: configMaps('w'),
      object: configMap('w', '4', { sight: 'in' }),
    });
    await call(admin.delete.bind(admin), { ref: configMaps('w') });
    await eventually(() => seen.length === 5);
    stream.cancel();
    expect(seen).toEqual(['ADDED w', 'MODIFIED w', 'DELETED w', 'ADDED w', 'DELETED w']);
    const old = admin.watch({ ref: configMaps(), resourceVersion: '1' });
    const error = await new Promise<ServiceError>((resolve) => {
      old.on('error', resolve);
      old.resume();
    });
    expect(error.code).toBe(status.OUT_OF_RANGE);
    expect(statusIn(error)).toMatchObject({ reason: 'Expired', code: 410 });
  });

  test('beats of a node reach those who watch, and only its own', async () => {
    const seen: Beat__Output[] = [];
    const watching = beats('controllers').watch({});
    watching.on('error', () => undefined);
    const opened = new Promise((resolve) => {
      watching.once('metadata', resolve);
    });
    watching.on('data', (beat: Beat__Output) => seen.push(beat));
    await opened;
    const answer = await new Promise<string>((resolve, reject) => {
      const sending = beats('node-1').send((error, summary) => {
        if (error === null) resolve(String(summary!.received));
        else reject(error);
      });
      for (const sequence of [1, 2, 3]) sending.write({ node: 'node-1', sequence, bootId: 'b' });
      sending.end();
    });
    expect(answer).toBe('3');
    await eventually(() => seen.length === 3);
    expect(seen.map(({ node, sequence }) => `${node} ${sequence}`)).toEqual([
      'node-1 1',
      'node-1 2',
      'node-1 3',
    ]);
    const forged = await new Promise<ServiceError | null>((resolve) => {
      const sending = beats('node-1').send((error) => resolve(error));
      sending.on('error', () => undefined);
      sending.write({ node: 'node-2', sequence: 1 });
    });
    expect(forged?.code).toBe(status.PERMISSION_DENIED);
    watching.cancel();
    const spy = beats('nobody').watch({});
    const refused = await new Promise<ServiceError>((resolve) => {
      spy.on('error', resolve);
      spy.resume();
    });
    expect(refused.code).toBe(status.PERMISSION_DENIED);
  });

  test('a node changes its own objects only', async () => {
    const node = api('node-1');
    const nodeRef = (name = ''): ResourceRef => ({ version: 'v1', resource: 'nodes', name });
    const nodeObject = (name: string): { json: Buffer } => ({
      json: Buffer.from(JSON.stringify({ apiVersion: 'v1', kind: 'Node', metadata: { name } })),
    });
    await call(node.create.bind(node), { ref: nodeRef(), object: nodeObject('node-1') });
    const forged = call(node.create.bind(node), { ref: nodeRef(), object: nodeObject('node-2') });
    await expect(forged).rejects.toMatchObject({ code: status.PERMISSION_DENIED });
    const mine = await call(node.patch.bind(node), {
      ref: { ...nodeRef('node-1'), subresource: 'status' },
      contentType: 'application/strategic-merge-patch+json',
      patch: Buffer.from('{"status":{"conditions":[{"type":"Ready","status":"True"}]}}'),
    });
    expect(JSON.parse(mine.json.toString())).toMatchObject({ status: { conditions: [{ status: 'True' }] } });
    const taint = call(node.patch.bind(node), {
      ref: nodeRef('node-1'),
      contentType: 'application/merge-patch+json',
      patch: Buffer.from('{"spec":{"taints":[{"key":"a","effect":"NoSchedule"}]}}'),
    });
    await expect(taint).rejects.toMatchObject({ code: status.PERMISSION_DENIED });
    const secrets = { version: 'v1', resource: 'secrets', namespace: 'default', name: 'x' };
    await expect(call(node.delete.bind(node), { ref: secrets })).rejects.toMatchObject({
      code: status.PERMISSION_DENIED,
    });
  });

  test('a call with a certificate of another authority does not get through', async () => {
    const stranger = api('stranger');
    const deadline = Date.now() + 20_000;
    const refused = new Promise<ServiceError | null>((resolve) => {
      stranger.get({ ref: configMaps('a') }, new Metadata(), { deadline }, (error) => resolve(error));
    });
    expect((await refused)?.code).toBe(status.UNAVAILABLE);
  });
});
