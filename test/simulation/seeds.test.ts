import { describe, expect, it } from 'vitest';
import { simulate } from './simulate.js';

/** Seeds that once failed, each with what it showed. They run with the plan that they failed under. */
describe('seeds that once failed', () => {
  it('a follower that denies what it acknowledged is not asked again at once, which never ended', () => {
    // Found by a planted bug (late appends cut off the log) under duplication: each refusal made a probe, each probe a refusal or two.
    const truncates = { firstConflict: (entries: readonly unknown[]) => (entries.length > 0 ? 0 : -1) };
    for (let seed = 1; seed <= 60; seed += 1) {
      const run = simulate(seed, { rules: truncates, skipsInvariants: true }, { messageDuplication: 0.1 });
      expect(run.violation?.message ?? '', `seed ${seed}`).not.toMatch(/messages/);
    }
  });
});
