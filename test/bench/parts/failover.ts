import { createRack, destroyRack, inMachine, setLink, type RackPlan } from '@raftsman/rack';
import { eventually } from '../../support/cluster.js';
import { pause, writeGapMs } from '../load.js';
import { startMembers, type Contender, type Machine, type Members } from '../members.js';
import type { Report, Row } from '../report.js';
import { settings } from '../settings.js';

const gap = (how: string, target: NonNullable<Row['target']>): Row => ({
  name: `write gap, leader ${how}`,
  unit: 'ms',
  better: 'lower',
  target,
});
const killed = gap('killed', { of: 'figure', must: 300, aim: 100 });
const killedMost = gap('killed, worst round', { of: 'figure', by: 'max', must: 600, aim: 600 });
const paused = gap('stopped (SIGSTOP)', { of: 'figure', must: 1_000, aim: 500 });
const unplugged = gap('unplugged', { of: 'figure', must: 1_000, aim: 500 });
const unpluggedMost = gap('unplugged, worst round', { of: 'figure', by: 'max', must: 1_000, aim: 1_000 });

/** Every round disturbs the leader, measures at the others, and waits until it is well again. */
async function rounds(
  members: Members,
  disturb: (leader: number) => void,
  restore: (leader: number) => void,
  note: (gapMs: number) => void,
): Promise<void> {
  for (let round = 0; round < Math.max(5, settings.rounds); round += 1) {
    const leader = await eventually(() => members.leader());
    const others = members.endpoints.filter((_, i) => i !== leader);
    note(await writeGapMs(others, () => disturb(leader)));
    restore(leader);
    await pause(2_500);
  }
}

export async function failover(contender: Contender, report: Report): Promise<void> {
  const members = await startMembers(contender);
  const noteBoth =
    (...rows: readonly Row[]) =>
    (gapMs: number): void => {
      for (const row of rows) report.note(row, contender.name, gapMs);
    };
  try {
    await rounds(
      members,
      (leader) => void members.kill(leader),
      (leader) => members.start(leader),
      noteBoth(killed, killedMost),
    );
    await rounds(
      members,
      (leader) => members.signal(leader, 'SIGSTOP'),
      (leader) => members.signal(leader, 'SIGCONT'),
      noteBoth(paused),
    );
  } finally {
    await members.stop();
  }
  if (process.getuid?.() === 0) await cutLinks(contender, noteBoth(unplugged, unpluggedMost));
  else console.warn('  the link is cut in network namespaces, which only root can make');
}

const name = 'bench';
const machines = [1, 2, 3].map((i) => ({
  name: `m${i}`,
  address: `10.78.91.${10 + i}`,
  namespace: `raftsman-${name}-m${i}`,
  port: `port${i}`,
}));
const plan: RackPlan = {
  switchNamespace: `raftsman-${name}-switch`,
  hostPort: 'rmbench',
  network: '10.78.91',
  hostAddress: '10.78.91.1',
  machines,
  runFolder: `/run/raftsman/${name}`,
};

async function cutLinks(contender: Contender, note: (gapMs: number) => void): Promise<void> {
  createRack(plan);
  try {
    const places = machines.map((machine): Machine => ({
      enter: inMachine(machine),
      address: machine.address,
    }));
    const members = await startMembers(contender, places);
    try {
      await rounds(
        members,
        (leader) => setLink(plan, machines[leader]!.name, 'down'),
        (leader) => setLink(plan, machines[leader]!.name, 'up'),
        note,
      );
    } finally {
      await members.stop();
    }
  } finally {
    destroyRack(plan);
  }
}
