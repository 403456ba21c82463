import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { RackPlan } from '@raftsman/rack';

/** Everything on this computer that belongs to the rack, one line each: namespaces, links, mounts, processes, files. `stateDir` '': not that. */
export function leftovers(plan: RackPlan, stateDir: string): readonly string[] {
  const namespaces = [plan.switchNamespace, ...plan.machines.map(({ namespace }) => namespace)];
  const ours = (text: string): boolean =>
    text.includes(`${plan.runFolder}/`) || (stateDir !== '' && text.includes(`${stateDir}/`));
  return [
    ...namespaces.filter((name) => existsSync(`/run/netns/${name}`)).map((name) => `namespace ${name}`),
    ...links()
      .filter((name) => name.startsWith(plan.hostPort))
      .map((name) => `link ${name}`),
    ...lines(readFileSync('/proc/self/mountinfo', 'utf8'))
      .filter(ours)
      .map((line) => `mount ${line}`),
    ...commandLines()
      .filter(ours)
      .map((line) => `process ${line}`),
    ...(existsSync(plan.runFolder) ? [`folder ${plan.runFolder}`] : []),
  ];
}

const lines = (text: string): readonly string[] => text.split('\n').filter((line) => line !== '');

const links = (): readonly string[] =>
  lines(execFileSync('ip', ['-oneline', 'link', 'show'], { encoding: 'utf8' })).map(
    (line) => line.split(': ')[1]!,
  );

/** Of every process of this computer but this test's own; a zombie has none. */
function commandLines(): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name) => {
      try {
        return [`${name} ${readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ')}`];
      } catch {
        // It ended between the list and the look.
        return [];
      }
    });
}
