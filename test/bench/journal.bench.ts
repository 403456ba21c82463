import type { KVClient } from '@raftsman/proto/gen/etcdserverpb/KV.js';
import { describe, it } from 'vitest';
import { closedLoop, pause } from './load.js';
import { debianEtcd, raftsmanStore, startMembers, type Members } from './members.js';

const loadMs = Number(process.env.BENCH_LOAD_SECONDS ?? 5) * 1_000;
const idleMs = Number(process.env.BENCH_IDLE_SECONDS ?? 20) * 1_000;
const contenders = [raftsmanStore, ...(debianEtcd === null ? [] : [debianEtcd])];

const valueBytes = 256;
const keyBytes = 'journal/0000'.length;
let keys = 0;

/** A small put whose value no compression makes smaller. */
const smallPut = (kv: KVClient, done: (error: unknown) => void): void => {
  keys = (keys + 1) % 10_000;
  const value = Buffer.alloc(valueBytes);
  for (let at = 0; at < valueBytes; at += 4) value.writeUInt32LE(Math.trunc(Math.random() * 2 ** 32), at);
  const key = Buffer.from(`journal/${String(keys).padStart(4, '0')}`);
  kv.Put({ key, value }, { deadline: Date.now() + 5_000 }, done);
};

/** Of all members: bytes that they caused to be sent to the disk (/proc/<pid>/io, write_bytes: whole pages), and seconds of CPU. */
function usageOf(members: Members): { readonly diskBytes: number; readonly cpuSeconds: number } {
  const each = members.endpoints.map((_, member) => members.usage(member));
  const sum = (figures: readonly number[]): number => figures.reduce((total, figure) => total + figure, 0);
  return {
    diskBytes: sum(each.map(({ writtenBytes }) => writtenBytes)),
    cpuSeconds: sum(each.map(({ cpuSeconds }) => cpuSeconds)),
  };
}

describe('what three members write to their disks', () => {
  for (const contender of contenders) {
    it(contender.name, async () => {
      const members = await startMembers(contender);
      const note = (row: string, figure: string): void =>
        console.log(`  ${contender.name.padEnd(10)}${row.padEnd(34)}${figure}`);
      try {
        await closedLoop(members.endpoints, 64, 3 * loadMs, smallPut); // What is compiled and laid in at first is not counted.
        for (const clients of [1, 64]) {
          const before = usageOf(members);
          const { perSecond } = await closedLoop(members.endpoints, clients, loadMs, smallPut);
          const after = usageOf(members);
          const puts = (perSecond * loadMs) / 1_000;
          const bytes = (after.diskBytes - before.diskBytes) / puts / 3;
          const cpuUs = ((after.cpuSeconds - before.cpuSeconds) / puts / 3) * 1_000_000;
          note(
            `puts of ${valueBytes} B, ${clients} clients`,
            `${Math.round(perSecond)}/s  per put and member: ${Math.round(bytes)} B to disk (${(bytes / (valueBytes + keyBytes)).toFixed(1)} x payload)  ${Math.round(cpuUs)} us CPU`,
          );
        }
        await pause(5_000);
        const before = usageOf(members);
        await pause(idleMs);
        const after = usageOf(members);
        note(`idle for ${idleMs / 1_000} s, all members`, `${after.diskBytes - before.diskBytes} B to disk`);
      } finally {
        await members.stop();
      }
    });
  }
});
