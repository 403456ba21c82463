import { Metadata } from '@grpc/grpc-js';
import type { Session, WatchSession } from './etcd-session.js';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

/** A stream for the script, and what it said in the end. */
async function watching(s: Session, body: (watch: WatchSession) => Promise<void>): Promise<void> {
  const watch = s.watch();
  try {
    await body(watch);
    s.note('stories', watch.stories());
  } finally {
    watch.close();
  }
}

const revisionNow = async (s: Session): Promise<number> =>
  Number(
    ((await s.ask('KV', 'range', { key: bytes('w') })) as { header: { revision: string } }).header.revision,
  );

export const watchScripts: Record<string, (session: Session) => Promise<void>> = {
  'watching a key, a range and everything': (s) =>
    watching(s, async (watch) => {
      watch.create({ key: bytes('w1') });
      watch.create({ key: bytes('w'), rangeEnd: bytes('x') });
      watch.create({ key: bytes('w2'), rangeEnd: bytes('\0'), prevKv: true });
      watch.create({});
      await watch.responses(4);
      await s.put('w1', 'a');
      await s.put('w2', 'b');
      await s.put('w2', 'c');
      await s.remove('w1');
      await s.remove('w1');
      await s.txn({
        success: [
          { requestPut: { key: bytes('w3') } },
          { requestPut: { key: bytes('w1'), value: bytes('z') } },
        ],
      });
      await s.remove('w', { rangeEnd: bytes('x') });
      await watch.events(3 + 9 + 6);
    }),

  'chosen and refused ids': (s) =>
    watching(s, async (watch) => {
      watch.create({ key: bytes('w'), watchId: 7 });
      watch.create({ key: bytes('w') });
      watch.create({ key: bytes('w'), watchId: 7 });
      watch.create({ key: bytes('w'), watchId: 1 });
      watch.create({ key: bytes('w') });
      watch.create({ key: bytes('b'), rangeEnd: bytes('a') });
      watch.create({ key: bytes('b'), rangeEnd: bytes('b') });
      await watch.responses(7);
      watch.send({ cancelRequest: { watchId: 7 } });
      await watch.responses(8);
      watch.send({ cancelRequest: { watchId: 99 } });
      watch.send({ cancelRequest: { watchId: 1 } });
      await watch.responses(9);
      watch.create({ key: bytes('w'), watchId: 7 });
      await watch.responses(10);
    }),

  'history, filters and the future': async (s) => {
    const before = await revisionNow(s);
    for (const value of ['1', '2', '3']) await s.put('w', value);
    await s.remove('w');
    await s.put('w', '4');
    await watching(s, async (watch) => {
      watch.create({ key: bytes('w'), startRevision: before + 1, prevKv: true });
      watch.create({ key: bytes('w'), startRevision: before + 3 });
      watch.create({ key: bytes('w'), startRevision: before + 1, filters: ['NOPUT'] });
      watch.create({ key: bytes('w'), startRevision: before + 1, filters: ['NODELETE'] });
      watch.create({ key: bytes('w'), startRevision: before + 1, filters: ['NODELETE', 'NOPUT'] });
      watch.create({ key: bytes('w'), startRevision: before + 5 });
      watch.create({ key: bytes('w'), startRevision: before + 7 });
      await watch.responses(7);
      await watch.events(5 + 3 + 1 + 4 + 1);
      await s.put('w', '5');
      await s.put('w', '6');
      await s.put('w', '7');
      await watch.events(14 + 3 + 3 + 0 + 3 + 0 + 3 + 2);
    });
  },

  'compacted history': async (s) => {
    for (const value of ['1', '2', '3', '4']) await s.put('w', value);
    await s.remove('w');
    const now = await revisionNow(s);
    await s.call('KV', 'compact', { revision: now - 2, physical: true });
    await watching(s, async (watch) => {
      watch.create({ key: bytes('w'), startRevision: now - 3 });
      await watch.until('the cancellation', () => watch.received.some(({ canceled }) => canceled));
      watch.create({ key: bytes('w'), startRevision: now - 2, prevKv: true });
      await watch.events(3);
      watch.create({ key: bytes('w'), startRevision: 1, watchId: 5 });
      await watch.until(
        'the cancellation',
        () => watch.received.filter(({ canceled }) => canceled).length === 2,
      );
      await s.put('w', 'after');
      await watch.events(4);
    });
  },

  'progress on request': (s) =>
    watching(s, async (watch) => {
      watch.create({ key: bytes('w') });
      await watch.responses(1);
      await s.put('elsewhere', '1');
      watch.send({ progressRequest: {} });
      await watch.until('the progress', () => watch.received.some(({ watchId }) => watchId === '-1'));
    }),

  'large revisions in fragments': async (s) => {
    const value = bytes('v'.repeat(300_000));
    const many = Array.from({ length: 5 }, (_, at) => ({ requestPut: { key: bytes(`wf${at}`), value } }));
    const watch = s.watch();
    watch.create({ key: bytes('wf'), rangeEnd: bytes('wg'), fragment: true });
    watch.create({ key: bytes('wf'), rangeEnd: bytes('wg') });
    await watch.responses(2);
    // A transaction as large as a request may be, with the values before it twice as large in its events.
    await s.ask('KV', 'txn', { success: many.slice(0, 4) });
    await watch.events(8);
    watch.create({ key: bytes('wf'), rangeEnd: bytes('wg'), fragment: true, prevKv: true, watchId: 9 });
    await watch.responses(5);
    await s.ask('KV', 'txn', { success: many.slice(0, 4) });
    await watch.events(20);
    const of = (id: string) =>
      watch.received.filter(({ watchId, events }) => watchId === id && events.length > 0);
    s.note(
      'unfragmented',
      of('1').map(({ events, fragment }) => ({ events: events.length, fragment })),
    );
    s.note('fragments', {
      several: of('9').length > 1,
      all: of('9').flatMap(({ events }) => events).length,
      flags: of('9').every(({ fragment }, at, every) => fragment === at < every.length - 1),
      oneRevision: new Set(of('9').map(({ events }) => events[0]?.kv?.modRevision)).size,
    });
    watch.close();
    await s.ask('KV', 'deleteRange', { key: bytes('wf'), rangeEnd: bytes('wg') });
  },

  'a stream that requires a leader': async (s) => {
    const metadata = new Metadata();
    metadata.set('hasleader', 'true');
    const watch = s.watch(metadata);
    watch.create({ key: bytes('w') });
    await watch.responses(1);
    s.note('with a leader', watch.stories());
    watch.close();
  },
};
