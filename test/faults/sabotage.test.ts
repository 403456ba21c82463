import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { repositoryRoot } from '../support/cluster.js';
import { judgeAgain } from './recording.js';
import { sabotagePreload, sabotages } from './sabotage.js';
import { soak } from './soak.js';

beforeAll(async () => {
  const tsc = join(repositoryRoot, 'node_modules/.bin/tsc');
  await promisify(execFile)(tsc, ['-b', 'services/cli'], { cwd: repositoryRoot });
}, 120_000);

/** What the judges are worth: bugs that are planted into the product are found. */
describe('a planted bug is found', () => {
  it.each(sabotages.filter(({ isUsual }) => isUsual || process.env['SABOTAGE'] === 'all'))(
    '$name',
    { timeout: 300_000 },
    async (sabotage) => {
      const directory = mkdtempSync(join(tmpdir(), 'sabotage-'));
      const lines: string[] = [];
      const isWanted = (anomaly: string): boolean => sabotage.foundAs.test(anomaly);
      try {
        const { anomalies, kept } = await soak({
          seed: 1,
          durationMs: sabotage.durationMs,
          phaseMs: 4_000,
          // A member may die of the bug before anybody sees what it did.
          isEnough: (found) => found.some(isWanted),
          directory,
          tell: (line) => lines.push(line),
          faults: sabotage.faults,
          preloads: [sabotagePreload(sabotage)],
        });
        if (!anomalies.some(isWanted)) console.log(lines.join('\n'));
        expect(anomalies.filter(isWanted)).not.toEqual([]);
        // From the files that the run left, too, whatever is not seen by asking members afterwards.
        expect(kept.length).toBeGreaterThan(0);
        const again = judgeAgain(directory, kept.at(-1)!);
        expect(again.isUndecided || again.anomalies.length > 0).toBe(true);
      } finally {
        rmSync(directory, { recursive: true, force: true });
      }
    },
  );
});
