import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../support/cluster.js';
import { judgeAgain } from './recording.js';
import { soak, type SoakReport } from './soak.js';

/** `node test/faults/soak.mjs <directory> <phase>`: what a run left is judged again. Answers the exit code. */
export function judgeKept(directory: string, phase: string): number {
  const { anomalies, isUndecided, revisions, brokeOff } = judgeAgain(directory, Number(phase));
  console.log(`${revisions} revisions${isUndecided ? ', UNDECIDED' : ''}, ${anomalies.length} anomalies`);
  if (brokeOff !== null) console.log(`the run broke off (${brokeOff}): what came later is not judged`);
  for (const anomaly of anomalies) console.log(`- ${anomaly}`);
  return anomalies.length === 0 && !isUndecided && brokeOff === null ? 0 : 1;
}

/** `make soak`: DURATION (30m, 90s, …) and SEED from the environment. Answers the exit code. */
export async function main(): Promise<number> {
  const { DURATION, SEED } = process.env;
  const durationMs = parseDuration(DURATION || '30m');
  const seed = SEED ? Number(SEED) : Date.now() % 1_000_000;
  if (!Number.isSafeInteger(seed)) throw new RangeError(`SEED=${SEED} is no whole number`);
  const directory = join(repositoryRoot, '.raftsman', 'soak', String(seed));
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      // Asked twice, it ends at once; the members end with it.
      if (interrupt.signal.aborted) process.exit(130);
      console.log('healing and judging what there is; once more to end at once');
      interrupt.abort();
    });
  const report = await soak({
    seed,
    durationMs,
    phaseMs: 60_000,
    directory,
    tell: (line) => console.log(line),
    signal: interrupt.signal,
  });
  print(report, seed);
  if (report.anomalies.length > 0) return 1;
  rmSync(directory, { recursive: true, force: true });
  return 0;
}

function print(
  { anomalies, phases, revisions, faults, counts, recoveryMs, directory, kept }: SoakReport,
  seed: number,
): void {
  const sorted = [...recoveryMs].sort((a, b) => a - b);
  console.log(`\nseed ${seed}: ${phases} phases, ${faults} faults, ${revisions} revisions`);
  console.log(
    [...counts]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([what, count]) => `${what} ${count}`)
      .join(', '),
  );
  console.log(
    `healed to writes on every member: median ${Math.round(sorted[sorted.length >> 1] ?? 0)} ms, longest ${Math.round(sorted.at(-1) ?? 0)} ms`,
  );
  if (anomalies.length === 0) {
    console.log('VERDICT: 0 anomalies, 0 lost acknowledged writes');
    return;
  }
  console.log(`VERDICT: ${anomalies.length} ANOMALIES (histories, timeline and logs: ${directory})`);
  for (const phase of kept) console.log(`judge again: node test/faults/soak.mjs ${directory} ${phase}`);
  for (const anomaly of anomalies.slice(0, 20)) console.log(`- ${anomaly.slice(0, 1_000)}`);
}

function parseDuration(text: string): number {
  const match = /^(\d+)(s|m|h)$/.exec(text);
  if (match === null) throw new RangeError(`DURATION=${text} is none: 90s, 30m or 2h`);
  return Number(match[1]) * { s: 1_000, m: 60_000, h: 3_600_000 }[match[2] as 's' | 'm' | 'h'];
}
