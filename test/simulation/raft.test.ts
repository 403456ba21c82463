import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { simulate } from './simulate.js';
import type { Run } from './simulate.js';

/**
 * SIM_SEEDS: how many seeds; SIM_SEED: the first of them. To see one seed again: `SIM_SEED=<seed> SIM_SEEDS=1 npx vitest run
 * test/simulation/raft.test.ts`. A seed that failed becomes a test of its own in seeds.test.ts.
 */
const seedCount = Number(process.env['SIM_SEEDS'] ?? 10_000);
const firstSeed = Number(process.env['SIM_SEED'] ?? 1);
const yieldEvery = 50;
const failuresMax = 5;

const counted = [
  'elections',
  'committed',
  'proposals',
  'reads',
  'crashes',
  'partitions',
  'snapshots',
  'falseAlarms',
  'transfers',
  'pauses',
  'leasedReads',
  'changes',
  'witnessSnapshots',
  'messages',
] as const satisfies readonly (keyof Run)[];

describe('the Raft simulation', () => {
  it(`keeps its promises over ${seedCount} seeds from ${firstSeed}`, { timeout: 1_800_000 }, async () => {
    const totals = Object.fromEntries(counted.map((name) => [name, 0])) as Record<
      (typeof counted)[number],
      number
    >;
    const failures: string[] = [];
    for (let seed = firstSeed; seed < firstSeed + seedCount && failures.length < failuresMax; seed += 1) {
      const run = simulate(seed);
      if (run.violation !== null) failures.push(`seed ${seed}: ${run.violation.message}`);
      for (const name of counted) totals[name] += run[name];
      // The test runner must be heard of while this runs.
      if (seed % yieldEvery === 0) await setImmediate();
    }
    console.info(`${seedCount} seeds: ${counted.map((name) => `${totals[name]} ${name}`).join(', ')}`);
    expect(failures).toEqual([]);
    if (seedCount < 100) return;
    // A run in which nothing happens proves nothing.
    expect(totals.elections / seedCount).toBeGreaterThan(3);
    expect(totals.committed / seedCount).toBeGreaterThan(25);
    expect(totals.reads / seedCount).toBeGreaterThan(10);
    expect(totals.crashes / seedCount).toBeGreaterThan(2);
    expect(totals.partitions / seedCount).toBeGreaterThan(1);
    expect(totals.snapshots / seedCount).toBeGreaterThan(0.5);
    expect(totals.transfers / seedCount).toBeGreaterThan(0.3);
    expect(totals.pauses / seedCount).toBeGreaterThan(0.3);
    expect(totals.leasedReads / seedCount).toBeGreaterThan(1);
    expect(totals.changes / seedCount).toBeGreaterThan(1);
    expect(totals.witnessSnapshots / seedCount).toBeGreaterThan(0.2);
    expect(totals.falseAlarms / seedCount).toBeGreaterThan(1);
  });
});
