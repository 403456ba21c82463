import { afterAll, describe, it } from 'vitest';
import { debianEtcd, raftsmanStore, startMembers, type Contender } from './members.js';
import { checkPerf } from './parts/check-perf.js';
import { failover } from './parts/failover.js';
import { leases } from './parts/leases.js';
import { loads } from './parts/loads.js';
import { million } from './parts/million.js';
import { falseElections, idle } from './parts/steadiness.js';
import { watchers } from './parts/watchers.js';
import { Report } from './report.js';
import { settings, wanted } from './settings.js';

const contenders = [raftsmanStore, ...(debianEtcd === null || !settings.peer ? [] : [debianEtcd])];
const report = new Report(contenders.map(({ name }) => name));

/** Everyone in turn, round by round, so that a busy minute of the machine hits all. */
async function each(
  rounds: number,
  measure: (contender: Contender, to: Report) => Promise<void>,
): Promise<void> {
  for (let round = 0; round < rounds; round += 1)
    for (const contender of contenders) await measure(contender, report);
}

async function smallRequests(contender: Contender): Promise<void> {
  const members = await startMembers(contender);
  try {
    await loads(members, report);
  } finally {
    await members.stop();
  }
}

describe('three members of each store, one after the other, same flags, same client', () => {
  if (debianEtcd === null) console.warn('no peer to compare with: Debian package etcd-server is missing');
  const loadParts = ['writes', 'latency', 'reads', 'mixed'];

  it.runIf(wanted('idle'))('idle', () => each(1, idle));
  it.runIf(loadParts.some(wanted))('small requests', () => each(settings.rounds, smallRequests));
  it.runIf(wanted('check-perf'))('check perf', () => each(settings.checkPerfRounds, checkPerf));
  it.runIf(wanted('watchers'))('watchers', () => each(1, watchers));
  it.runIf(wanted('leases'))('leases', () => each(1, leases));
  it.runIf(wanted('million'))('a million keys', () => each(1, million));
  it.runIf(wanted('failover'))('failover', () => each(1, failover));
  it.runIf(wanted('false-elections'))('false elections', () => each(1, falseElections));

  afterAll(() => console.log(`\n${report.table()}\n`));
});
