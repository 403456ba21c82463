import { existsSync } from 'node:fs';
import { cpus } from 'node:os';
import { afterAll, describe, it } from 'vitest';
import { eventually, execute } from '../support/cluster.js';
import { closedLoop, get, pause, put, writeGapMs, type Latencies } from './load.js';
import { debianEtcd, raftsmanStore, startMembers, type Members } from './members.js';

/** Rounds of killing the leader, and seconds of each load: more give steadier figures. */
const rounds = Number(process.env.BENCH_ROUNDS ?? 5);
const loadMs = Number(process.env.BENCH_LOAD_SECONDS ?? 5) * 1_000;
const etcdctl = existsSync('/usr/bin/etcdctl');

const contenders = [raftsmanStore, ...(debianEtcd === null ? [] : [debianEtcd])];
const table = new Map<string, Map<string, string>>();
const note = (row: string, contender: string, figure: string): void => {
  table.set(row, (table.get(row) ?? new Map()).set(contender, figure));
  console.log(`  ${contender.padEnd(10)}${row.padEnd(46)}${figure}`);
};
const load = ({ perSecond, p50Ms, p99Ms, errors }: Latencies): string =>
  `${Math.round(perSecond)}/s  p50 ${p50Ms.toFixed(1)} ms  p99 ${p99Ms.toFixed(1)} ms${errors > 0 ? `  ${errors} errors` : ''}`;
const megabytes = (bytes: readonly number[]): string =>
  bytes.map((one) => Math.round(one / 1_048_576)).join(' / ') + ' MB';

describe('three members of each store, one after the other, same flags, same client', () => {
  if (debianEtcd === null) console.warn('no peer to compare with: Debian package etcd-server is missing');

  for (const contender of contenders) {
    it(contender.name, async () => {
      let members = await startMembers(contender);
      try {
        await pause(3_000);
        note('resident, idle after start', contender.name, megabytes(members.residentBytes()));
        await loads(members);
        note('resident, after the load', contender.name, megabytes(members.residentBytes()));
        await members.stop();
        members = await startMembers(contender);
        note(
          `write gap, leader kill -9, ${rounds} rounds: min / median / max`,
          contender.name,
          await failover(members),
        );
      } finally {
        await members.stop();
      }
    });
  }

  async function loads(members: Members): Promise<void> {
    const { name } = members.contender;
    for (const clients of [1, 64]) {
      note(
        `puts of 1 KiB, ${clients} clients`,
        name,
        load(await closedLoop(members.endpoints, clients, loadMs, put)),
      );
    }
    note('linearizable reads, 64 clients', name, load(await closedLoop(members.endpoints, 64, loadMs, get)));
    if (!etcdctl) return;
    const { output } = await execute('env', [
      'ETCDCTL_API=3',
      'etcdctl',
      `--endpoints=${members.endpoints.join(',')}`,
      'check',
      'perf',
      '--load=l',
    ]);
    const figure = (pattern: RegExp): string => pattern.exec(output)?.[1] ?? '?';
    note(
      'etcdctl check perf --load=l',
      name,
      `${figure(/(\d+) writes\/s/)} writes/s  slowest ${figure(/lowest request (?:is|took)[^\d]*([\d.]+)s/)} s  stddev ${figure(/[Ss]tddev[^\d]*([\d.]+)s/)} s`,
    );
  }

  async function failover(members: Members): Promise<string> {
    const gaps: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const leader = await eventually(() => members.leader());
      const others = members.endpoints.filter((_, i) => i !== leader);
      gaps.push(await writeGapMs(others, () => members.kill(leader)));
      members.start(leader);
      await pause(2_000);
    }
    const sorted = gaps.sort((a, b) => a - b).map((gap) => Math.round(gap));
    return `${sorted[0]} / ${sorted[Math.floor(sorted.length / 2)]} / ${sorted.at(-1)} ms`;
  }

  afterAll(() => {
    const names = contenders.map(({ name }) => name);
    const lines = [...table].map(
      ([row, figures]) => `| ${row} | ${names.map((name) => figures.get(name) ?? '–').join(' | ')} |`,
    );
    console.log(
      `\n${cpus().length} × ${cpus()[0]?.model}, Node ${process.version}, members and client on one machine, no TLS\n`,
    );
    console.log(
      [`| | ${names.join(' | ')} |`, `| --- |${names.map(() => ' --- |').join('')}`, ...lines].join('\n'),
    );
  });
});
