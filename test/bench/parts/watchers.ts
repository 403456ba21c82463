import { ChannelCredentials } from '@grpc/grpc-js';
import type { WatchClient } from '@raftsman/proto/gen/etcdserverpb/Watch.js';
import type { WatchResponse__Output } from '@raftsman/proto/gen/etcdserverpb/WatchResponse.js';
import { loadService } from '@raftsman/wire';
import { connectKV, pause } from '../load.js';
import { startMembers, type Contender } from '../members.js';
import type { Report, Row } from '../report.js';

const Watch = loadService('etcd/rpc.proto', 'etcdserverpb.Watch');
const rows = [1_000, 10_000].map((watchers) => ({
  watchers,
  delivered: {
    name: `events delivered, ${watchers.toLocaleString('en')} watchers on one prefix`,
    unit: '/s',
    better: 'higher',
  } satisfies Row as Row,
  memory: {
    name: `memory per watch, ${watchers.toLocaleString('en')} watchers`,
    unit: 'B',
    better: 'lower',
  } satisfies Row as Row,
}));
const streams = 10;
const eventsWanted = 200_000;

/** Watchers at one member, ten streams of them; puts at the same member, each of which all of them hear of. */
export async function watchers(contender: Contender, report: Report): Promise<void> {
  for (const { watchers: count, delivered, memory } of rows) {
    const members = await startMembers(contender);
    try {
      await pause(1_000);
      const before = members.usage(0).residentBytes;
      const client = new Watch(members.endpoints[0]!, ChannelCredentials.createInsecure(), {
        'grpc.max_receive_message_length': -1,
      }) as unknown as WatchClient;
      let created = 0;
      let events = 0;
      const range = { key: Buffer.from('watched/'), rangeEnd: Buffer.from('watched0') };
      const calls = Array.from({ length: streams }, () => {
        const call = client.watch();
        call.on('data', (response: WatchResponse__Output) => {
          if (response.created) created += 1;
          events += response.events.length;
        });
        call.on('error', () => undefined);
        for (let i = 0; i < count / streams; i += 1) call.write({ createRequest: range });
        return call;
      });
      while (created < count) await pause(10);
      await pause(1_000);
      report.note(memory, contender.name, Math.max(0, members.usage(0).residentBytes - before) / count);
      const kv = connectKV(members.endpoints[0]!);
      const startMs = performance.now();
      for (let i = 0; i < eventsWanted / count; i += 1)
        await new Promise<void>((resolve, reject) => {
          const put = { key: Buffer.from(`watched/${i}`), value: Buffer.alloc(100, 'v') };
          kv.Put(put, (error) => (error ? reject(error) : resolve()));
        });
      while (events < eventsWanted) await pause(2);
      report.note(delivered, contender.name, (events / (performance.now() - startMs)) * 1_000);
      kv.close();
      for (const call of calls) call.cancel();
      client.close();
    } finally {
      await members.stop();
    }
  }
}
