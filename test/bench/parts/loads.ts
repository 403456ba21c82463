import { closedLoop, get, getSerializable, mixed, openLoop, put } from '../load.js';
import type { Members } from '../members.js';
import type { Report, Row } from '../report.js';
import { settings, wanted } from '../settings.js';

const perSecond = (name: string, target?: Row['target']): Row => ({
  name,
  unit: '/s',
  better: 'higher',
  ...(target === undefined ? {} : { target }),
});
const latency = (name: string, target?: Row['target']): Row => ({
  name,
  unit: 'ms',
  better: 'lower',
  ...(target === undefined ? {} : { target }),
});

const writers = [1, 64, 500].map((clients) => ({
  clients,
  rate: perSecond(`puts of 1 KiB, ${clients} ${clients === 1 ? 'client' : 'clients'}`),
  p50: latency(`— p50`),
  p99: latency(`— p99`),
}));
const steady = {
  p50: latency('a put at 1,000 puts/s, open loop: p50'),
  p99: latency('— p99', { of: 'ratio', must: 1.2, aim: 0.8 }),
};
const linearizable = perSecond('linearizable reads, 64 clients', { of: 'ratio', must: 0.8, aim: 1.2 });
const serializable = perSecond('serializable reads, 64 clients');
const four = perSecond('four reads to one put, 64 clients');

/** Rates and latencies of small requests. */
export async function loads(members: Members, report: Report): Promise<void> {
  const { contender, endpoints } = members;
  const { loadMs } = settings;
  const { name } = contender;
  // What compiles while it runs has its first seconds before it counts.
  await closedLoop(endpoints, 64, loadMs, put);
  if (wanted('writes'))
    for (const { clients, rate, p50, p99 } of writers) {
      const found = await closedLoop(endpoints, clients, loadMs, put);
      report.note(rate, name, found.perSecond);
      report.note(p50, name, found.p50Ms);
      report.note(p99, name, found.p99Ms);
    }
  if (wanted('latency')) {
    const found = await openLoop(endpoints, 1_000, 2 * loadMs, put);
    report.note(steady.p50, name, found.p50Ms);
    report.note(steady.p99, name, found.p99Ms);
    if (found.errors > 0) console.log(`  ${name}: ${found.errors} errors`);
  }
  if (wanted('reads')) {
    report.note(linearizable, name, (await closedLoop(endpoints, 64, loadMs, get)).perSecond);
    report.note(serializable, name, (await closedLoop(endpoints, 64, loadMs, getSerializable)).perSecond);
  }
  if (wanted('mixed')) report.note(four, name, (await closedLoop(endpoints, 64, loadMs, mixed)).perSecond);
}
