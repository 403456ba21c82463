import { afterEach, describe, expect, it } from 'vitest';
import { BoundedMap, EventCorrelator } from '../src/event-correlator.js';
import { createEventRecorder } from '../src/event-recorder.js';
import { clientLimits } from '../src/limits.js';
import { connect, silent } from './support/client.js';
import { startMemoryApiserver } from './support/memory-apiserver.js';
import { until } from './support/until.js';

const pod = { apiVersion: 'v1', kind: 'Pod', namespace: 'default', name: 'web', uid: 'u1' };
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

describe('event correlator', () => {
  const say = (correlator: EventCorrelator, message: string, atMs = 0, name = 'web') =>
    correlator.correlate({
      component: 'tester',
      regarding: { ...pod, name },
      type: 'Warning',
      reason: 'Failed',
      message,
      atMs,
    });

  it('gives equal observations one key, and joins many different ones', () => {
    const correlator = new EventCorrelator();
    expect(say(correlator, 'a')).toEqual(say(correlator, 'a'));
    expect(say(correlator, 'b')).not.toEqual(say(correlator, 'a'));
    for (let index = 0; index < clientLimits.eventAggregateMax; index += 1) say(correlator, `m${index}`);
    const joined = say(correlator, 'last');
    expect(joined).toMatchObject({ kind: 'record', message: '(combined from similar events): last' });
    expect((joined as { key: string }).key).toBe((say(correlator, 'other') as { key: string }).key);
  });

  it('stops listening to an object that says too much, until its budget refills', () => {
    const correlator = new EventCorrelator();
    for (let index = 0; index < clientLimits.eventBurst; index += 1)
      expect(say(correlator, 'a').kind).toBe('record');
    expect(say(correlator, 'a').kind).toBe('drop');
    expect(say(correlator, 'a', 0, 'other').kind).toBe('record');
    expect(say(correlator, 'a', clientLimits.eventRefillMs).kind).toBe('record');
    expect(say(correlator, 'a', clientLimits.eventRefillMs).kind).toBe('drop');
  });

  it('remembers no more than its bound, the least recently used goes first', () => {
    const map = new BoundedMap<number>(2);
    map.set('a', 1);
    map.set('b', 2);
    map.get('a');
    map.set('c', 3);
    expect([map.get('a'), map.get('b'), map.get('c')]).toEqual([1, undefined, 3]);
  });
});

describe('event recorder', () => {
  it('writes an Event once and counts its repetitions, also when it was deleted meanwhile', async () => {
    const server = await startMemoryApiserver();
    const client = connect(server.address);
    const stop = new AbortController();
    const recorder = createEventRecorder({ client, component: 'tester', logger: silent });
    const running = recorder.run(stop.signal);
    closers.push(async () => {
      stop.abort();
      await running;
      client.close();
      await server.close();
    });
    const ref = {
      group: '',
      version: 'v1',
      resource: 'events',
      namespace: 'default',
      name: '',
      subresource: '',
    };
    const events = () => server.store.list(ref);
    for (let index = 0; index < 3; index += 1) recorder.event(pod, 'Normal', 'Scheduled', 'assigned');
    await until(() => events()[0]?.['count'] === 3, 'counted to three');
    expect(events()).toHaveLength(1);
    expect(events()[0]).toMatchObject({
      involvedObject: pod,
      reason: 'Scheduled',
      message: 'assigned',
      type: 'Normal',
      source: { component: 'tester' },
    });
    server.store.delete({ ...ref, name: events()[0]!.metadata.name! }, {});
    recorder.event(pod, 'Normal', 'Scheduled', 'assigned');
    await until(() => events()[0]?.['count'] === 1, 'written anew');
  });
});
