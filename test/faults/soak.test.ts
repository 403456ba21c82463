import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { repositoryRoot } from '../support/cluster.js';
import { buildStore } from './lab.js';
import { soak } from './soak.js';

beforeAll(buildStore, 120_000);

/** A slice of `make soak`, with a seed that changes: a failure prints it, and `make soak SEED=…` begins in the same way. */
describe('real members under random faults', () => {
  it('lose nothing and keep their promises for a minute', { timeout: 300_000 }, async () => {
    const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
    const directory = join(repositoryRoot, '.raftsman', 'soak', `slice-${seed}`);
    const lines: string[] = [];
    const report = await soak({
      seed,
      durationMs: 60_000,
      phaseMs: 30_000,
      directory,
      tell: (line) => lines.push(line),
    });
    if (report.anomalies.length > 0) console.log([`kept in ${directory}`, ...lines].join('\n'));
    expect(report.anomalies).toEqual([]);
    expect(report.phases).toBeGreaterThan(0);
    expect(report.faults).toBeGreaterThan(3);
    expect(report.counts.get('answered')).toBeGreaterThan(200);
    rmSync(directory, { recursive: true, force: true });
  });
});
