import { existsSync } from 'node:fs';
import { execute } from '../../support/cluster.js';
import { startMembers, type Contender } from '../members.js';
import type { Report, Row } from '../report.js';

const rate: Row = {
  name: '`etcdctl check perf --load=l`',
  unit: '/s',
  better: 'higher',
  target: { of: 'ratio', must: 1, aim: 1.5 },
};
const slowest: Row = { name: '— slowest request', unit: 's', better: 'lower' };

/** The peer's own benchmark, 60 s of writes by 500 clients, at fresh members. */
export async function checkPerf(contender: Contender, report: Report): Promise<void> {
  if (!existsSync('/usr/bin/etcdctl'))
    return console.warn('  etcdctl is missing (Debian package etcd-client)');
  const members = await startMembers(contender);
  try {
    const flags = [`--endpoints=${members.endpoints.join(',')}`, 'check', 'perf', '--load=l'];
    const { output } = await execute('env', ['ETCDCTL_API=3', 'etcdctl', ...flags]);
    const figure = (pattern: RegExp): number => Number(pattern.exec(output)?.[1] ?? Number.NaN);
    report.note(rate, contender.name, figure(/(\d+) writes\/s/));
    report.note(slowest, contender.name, figure(/lowest request (?:is|took)[^\d]*([\d.]+)s/));
  } finally {
    await members.stop();
  }
}
