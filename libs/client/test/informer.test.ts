import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ApiClient } from '../src/api-client.js';
import { byLabel, byNamespace } from '../src/indexer.js';
import { createInformer, type Change, type Informer } from '../src/informer.js';
import { configMap, configMaps, connect, silent, type ConfigMap } from './support/client.js';
import { startMemoryApiserver, type MemoryApiserver } from './support/memory-apiserver.js';
import { until } from './support/until.js';

let server: MemoryApiserver;
let client: ApiClient;
let stop: AbortController;
let running: Promise<void>;
let informer: Informer<ConfigMap>;
let changes: Change<ConfigMap>[];

beforeEach(async () => {
  server = await startMemoryApiserver();
  client = connect(server.address);
  stop = new AbortController();
  changes = [];
});
afterEach(async () => {
  stop.abort();
  await running;
  client.close();
  await server.close();
});

const ref = {
  group: '',
  version: 'v1',
  resource: 'configmaps',
  namespace: 'default',
  name: '',
  subresource: '',
};
const put = (name: string, data: { [key: string]: string } = {}) =>
  server.store.create({ ...ref, name }, configMap(name, data));
const change = (name: string, data: { [key: string]: string }) =>
  server.store.update({ ...ref, name }, { ...server.store.get({ ...ref, name }), data });
const start = async (): Promise<void> => {
  informer = createInformer({
    client: client.of<ConfigMap>(configMaps),
    indexes: { namespace: byNamespace, app: byLabel('app') },
    logger: silent,
  });
  informer.onChange((each) => changes.push(each));
  running = informer.run(stop.signal);
  expect(await informer.waitForSync(stop.signal)).toBe(true);
};
/** What the cache must come to show. */
const converged = (): boolean => {
  const want = server.store.list({ ...ref, namespace: '' }).map(({ metadata }) => metadata.resourceVersion);
  const have = informer.list().map(({ metadata }) => metadata.resourceVersion);
  return want.length === have.length && want.every((each) => have.includes(each!));
};

describe('informer', () => {
  it('shows what was there and what comes, and finds it by index', async () => {
    put('a');
    await start();
    expect(informer.get('default/a')?.metadata.name).toBe('a');
    put('b');
    change('a', { x: '1' });
    await until(converged, 'the changes arrived');
    expect(informer.by('app', 'default/b')).toHaveLength(1);
    server.store.delete({ ...ref, name: 'b' }, {});
    await until(converged, 'the deletion arrived');
    expect(informer.by('app', 'default/b')).toEqual([]);
    expect(informer.by('namespace', 'default')).toHaveLength(1);
    expect(changes.at(-1)).toMatchObject({ before: { metadata: { name: 'b' } }, after: undefined });
  });

  it('resumes a broken watch without a new list and without telling anything twice', async () => {
    put('a');
    await start();
    server.breakWatches();
    change('a', { x: '1' });
    put('b');
    await until(converged, 'the changes arrived');
    expect(server.calls.get('list configmaps')).toBe(1);
    expect(changes.map(({ before, after }) => [before?.data, after?.data])).toEqual([
      [undefined, {}],
      [{}, { x: '1' }],
      [undefined, {}],
    ]);
  });

  it('lists anew when its place in the history is forgotten, and notices what vanished meanwhile', async () => {
    put('a');
    put('b');
    await start();
    server.fail = (verb) => (verb === 'watch' ? new Error('down') : undefined);
    server.breakWatches();
    server.store.delete({ ...ref, name: 'a' }, {});
    server.store.delete({ ...ref, name: 'b' }, {});
    put('b', { second: 'life' });
    server.store.forgetHistory();
    server.fail = undefined;
    await until(converged, 'the cache is right again');
    expect(server.calls.get('list configmaps')).toBeGreaterThan(1);
    const uidBefore = changes.find(({ after }) => after?.metadata.name === 'b')?.after?.metadata.uid;
    const gone = changes.filter(({ after }) => after === undefined).map(({ before }) => before?.metadata.uid);
    expect(gone).toHaveLength(2);
    expect(gone).toContain(uidBefore);
  });

  it('converges however often the watch breaks', async () => {
    await start();
    for (let round = 0; round < 40; round += 1) {
      if (round % 3 === 0) put(`c${round}`);
      else change(`c${round - (round % 3)}`, { round: String(round) });
      if (round % 7 === 0) server.breakWatches();
      if (round % 16 === 0) server.store.forgetHistory();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until(converged, 'the cache is right');
    expect(informer.size).toBe(14);
  });
});
