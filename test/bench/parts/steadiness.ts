import { closedLoop, pause, put } from '../load.js';
import { startMembers, type Contender } from '../members.js';
import type { Report, Row } from '../report.js';
import { settings } from '../settings.js';

const elections: Row = {
  name: `elections in ${settings.falseElectionsMs / 1_000} s of full load (500 clients)`,
  unit: '',
  better: 'lower',
  target: { of: 'figure', must: 0, aim: 0 },
};
const seconds = settings.idleMs / 1_000;
const resident: Row = {
  name: 'idle: resident, the largest member',
  unit: 'MB',
  better: 'lower',
  target: { of: 'figure', must: 90, aim: 70 },
};
const cpu: Row = { name: 'idle: CPU of a core, each member', unit: '%', better: 'lower' };
const written: Row = {
  name: `idle: written to disk in ${seconds} s by all members`,
  unit: 'B',
  better: 'lower',
  target: { of: 'figure', must: 0, aim: 0 },
};
const loaded: Row = { name: 'resident after full load, the largest member', unit: 'MB', better: 'lower' };
const indices = [0, 1, 2];

export async function idle(contender: Contender, report: Report): Promise<void> {
  const members = await startMembers(contender);
  try {
    await pause(10_000);
    const before = indices.map((i) => members.usage(i));
    await pause(settings.idleMs);
    const after = indices.map((i) => members.usage(i));
    const spent = (of: 'cpuSeconds' | 'writtenBytes'): number =>
      indices.reduce((sum, i) => sum + after[i]![of] - before[i]![of], 0);
    report.note(resident, contender.name, Math.max(...after.map((each) => each.residentBytes)) / 1_000_000);
    report.note(cpu, contender.name, (spent('cpuSeconds') / 3 / seconds) * 100);
    report.note(written, contender.name, spent('writtenBytes'));
  } finally {
    await members.stop();
  }
}

/** Nothing is wrong with any member, so that each change of term is one too many. */
export async function falseElections(contender: Contender, report: Report): Promise<void> {
  const members = await startMembers(contender);
  try {
    const before = await members.term();
    const { errors } = await closedLoop(members.endpoints, 500, settings.falseElectionsMs, put);
    // After some minutes the history is as large as the quota.
    if (errors > 0) console.log(`  ${contender.name}: ${errors} puts were refused`);
    report.note(elections, contender.name, (await members.term()) - before);
    const residents = indices.map((i) => members.usage(i).residentBytes / 1_000_000);
    report.note(loaded, contender.name, Math.max(...residents));
  } finally {
    await members.stop();
  }
}
