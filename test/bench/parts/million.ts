import type { KVClient } from '@raftsman/proto/gen/etcdserverpb/KV.js';
import { connectKV, pause } from '../load.js';
import { startMembers, type Contender } from '../members.js';
import type { Report, Row } from '../report.js';
import { settings } from '../settings.js';

const much = `${settings.keys.toLocaleString('en')} keys of 256 B`;
const resident: Row = {
  name: `${much}: resident`,
  unit: 'MB',
  better: 'lower',
  target: { of: 'figure', must: 1_500, aim: 700 },
};
const restart: Row = {
  name: `${much}: restart until it serves`,
  unit: 's',
  better: 'lower',
  target: { of: 'figure', must: 20, aim: 5 },
};
const restartCpu: Row = { name: `${much}: CPU of that`, unit: 's', better: 'lower' };
const again: Row = { name: `${much}: resident after the restart`, unit: 'MB', better: 'lower' };
const perKey: Row = { name: `${much}: memory per key`, unit: 'B', better: 'lower' };
const opsPerTxn = 128;
/** A member that takes longer to take them in is not measured. */
const fillMsMax = 300_000;

/** One member alone, filled in no order with transactions, killed and started again. */
export async function million(contender: Contender, report: Report): Promise<void> {
  const members = await startMembers(contender, [{ enter: [], address: '127.0.0.1' }]);
  const residentMb = (): number => members.usage(0).residentBytes / 1_000_000;
  try {
    await pause(1_000);
    const emptyMb = residentMb();
    const kv = connectKV(members.endpoints[0]!);
    await fill(kv);
    await pause(3_000);
    report.note(resident, contender.name, residentMb());
    report.note(perKey, contender.name, ((residentMb() - emptyMb) * 1_000_000) / settings.keys);
    await members.kill(0);
    const startMs = performance.now();
    members.start(0);
    while (!(await serves(kv))) await pause(20);
    report.note(restart, contender.name, (performance.now() - startMs) / 1_000);
    report.note(restartCpu, contender.name, members.usage(0).cpuSeconds);
    await pause(3_000);
    report.note(again, contender.name, residentMb());
    kv.close();
  } finally {
    await members.stop();
  }
}

const value = Buffer.alloc(256, 'v');
/** Prime, so that the keys come in no order. */
const stride = 7_919;

async function fill(kv: KVClient): Promise<void> {
  let at = 0;
  const giveUpAtMs = performance.now() + fillMsMax;
  const writer = async (): Promise<void> => {
    while (at < settings.keys) {
      if (performance.now() > giveUpAtMs) throw new Error(`only ${at} keys in ${fillMsMax} ms`);
      const numbers = Array.from({ length: Math.min(opsPerTxn, settings.keys - at) }, (_, i) => at + i);
      at += numbers.length;
      const success = numbers.map((number) => ({
        requestPut: {
          key: Buffer.from(`million/${String((number * stride) % settings.keys).padStart(10, '0')}`),
          value,
        },
      }));
      await new Promise<void>((resolve, reject) => {
        kv.Txn({ success }, (error) => (error ? reject(error) : resolve()));
      });
    }
  };
  await Promise.all(Array.from({ length: 8 }, writer));
}

/** A linearizable read finds all of it. */
function serves(kv: KVClient): Promise<boolean> {
  const all = { key: Buffer.from('million/'), rangeEnd: Buffer.from('million0'), countOnly: true };
  return new Promise((resolve) => {
    kv.Range(all, { deadline: Date.now() + 1_000 }, (error, response) =>
      resolve(!error && Number(response?.count) === settings.keys),
    );
  });
}
