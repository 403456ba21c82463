import { systemClock, type ApiClient } from '@raftsman/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connect, silent } from '../../../libs/client/test/support/client.js';
import {
  startMemoryApiserver,
  type MemoryApiserver,
} from '../../../libs/client/test/support/memory-apiserver.js';
import type { Ref } from '../../../libs/client/test/support/memory-store.js';
import { until } from '../../../libs/client/test/support/until.js';
import { createScheduler } from '../src/scheduler.js';
import { asking, node, pod } from './support/objects.js';

let server: MemoryApiserver;
let client: ApiClient;
let stop: AbortController;
let running: Promise<void>;

const ref = (resource: string, namespace: string, name = ''): Ref => ({
  group: '',
  version: 'v1',
  resource,
  namespace,
  name,
  subresource: '',
});
const addNode = (name: string, cpu = '4') =>
  server.store.create(ref('nodes', '', name), node(name, { allocatable: { cpu } }));
const addPod = (name: string, cpu = '1') =>
  server.store.create(ref('pods', 'default', name), pod(name, asking({ cpu })));
const nodeOf = (name: string): unknown =>
  (server.store.get(ref('pods', 'default', name))['spec'] as { nodeName?: string }).nodeName;
const events = (reason: string) =>
  server.store.list(ref('events', 'default')).filter((event) => event['reason'] === reason);

beforeEach(async () => {
  server = await startMemoryApiserver();
  client = connect(server.address);
  stop = new AbortController();
  const scheduler = createScheduler({
    client,
    schedulerName: 'default-scheduler',
    logger: silent,
    clock: systemClock,
    random: Math.random,
  });
  running = scheduler.run(stop.signal);
});
afterEach(async () => {
  stop.abort();
  await running;
  client.close();
  await server.close();
});

describe('scheduler', () => {
  it('binds pods as far as there is room, tells why not, and goes on when room comes', async () => {
    addNode('a', '2');
    for (let index = 0; index < 3; index += 1) addPod(`p${index}`);
    const bound = () => [0, 1, 2].filter((index) => nodeOf(`p${index}`) !== undefined);
    await until(
      () => bound().length === 2 && events('FailedScheduling').length === 1,
      'two are bound, one is not',
    );
    const [left] = [0, 1, 2].filter((index) => !bound().includes(index));
    expect(events('FailedScheduling')[0]).toMatchObject({
      type: 'Warning',
      message: '0/1 nodes are available: 1 Insufficient cpu.',
      source: { component: 'default-scheduler' },
    });
    const condition = () =>
      (
        server.store.get(ref('pods', 'default', `p${left}`))['status'] as {
          conditions?: { type: string; reason?: string }[];
        }
      ).conditions;
    await until(() => condition() !== undefined, 'the condition is written');
    expect(condition()).toMatchObject([{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable' }]);
    addNode('b');
    await until(() => nodeOf(`p${left}`) === 'b', 'the third is bound');
    await until(() => events('Scheduled').length === 3, 'all bindings are told');
  });

  it('takes the room of a pod that left', async () => {
    addNode('a', '1');
    addPod('first');
    await until(() => nodeOf('first') === 'a', 'the first is bound');
    addPod('second');
    await until(() => events('FailedScheduling').length === 1, 'the second waits');
    server.store.delete(ref('pods', 'default', 'first'), { gracePeriodSeconds: 0 });
    await until(() => events('Scheduled').length === 2, 'both bindings are told');
    expect(nodeOf('second')).toBe('a');
  });

  it('leaves the pods of other schedulers and gated ones alone', async () => {
    addNode('a');
    server.store.create(ref('pods', 'default', 'other'), pod('other', { schedulerName: 'mine' }));
    server.store.create(
      ref('pods', 'default', 'gated'),
      pod('gated', { schedulingGates: [{ name: 'wait' }] }),
    );
    addPod('ours');
    await until(() => nodeOf('ours') === 'a', 'ours is bound');
    expect([nodeOf('other'), nodeOf('gated')]).toEqual([undefined, undefined]);
  });

  it('tries again after a failed binding, without counting the pod twice', async () => {
    addNode('a', '1');
    let refused = 0;
    server.fail = (verb, target) => {
      if (verb !== 'create' || target.subresource !== 'binding' || refused === 3) return undefined;
      refused += 1;
      return new Error('no leader');
    };
    addPod('p');
    await until(() => nodeOf('p') === 'a', 'bound in the end');
    expect(refused).toBe(3);
  });

  it('binds 500 pods about evenly over five nodes', async () => {
    for (let index = 0; index < 5; index += 1) addNode(`n${index}`, '1000');
    for (let index = 0; index < 500; index += 1) addPod(`p${index}`);
    const pods = () =>
      server.store.list(ref('pods', 'default')).map(({ spec }) => (spec as { nodeName?: string }).nodeName);
    await until(() => pods().every((name) => name !== undefined), 'all are bound', 20_000);
    // The first pods may be bound before the last node is known.
    for (let index = 0; index < 5; index += 1) {
      expect(pods().filter((name) => name === `n${index}`).length).toBeGreaterThan(80);
    }
  });
});
