import { vi } from 'vitest';
import type * as Limits from '../src/limits.js';
import { describeStore } from './store-properties.js';

/** Chunks and steps so small that every command crosses their borders. */
vi.mock('../src/limits.js', async (original) => {
  const { mvccLimits } = await original<typeof Limits>();
  return {
    mvccLimits: {
      ...mvccLimits,
      indexLeafKeysMax: 2,
      indexGroupLeavesMax: 2,
      logChunkEntriesMax: 2,
      compactionEntriesPerStep: 1,
      sortVersionsPerStep: 1,
      sortGroupVersionsMin: 1,
      eagerRowsMax: 0,
    },
  };
});

describeStore();
