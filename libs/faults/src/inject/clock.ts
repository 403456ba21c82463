import { rename, writeFile } from 'node:fs/promises';
import { faultLimits } from '../limits.js';
import type { Injected } from './fault.js';

/** The word after `node --import` that makes the process's Date follow the offset in `clockFile`. Its monotonic clock stays. */
export function clockPreload(clockFile: string): string {
  const url = new URL('../../preload/clock.mjs', import.meta.url);
  url.searchParams.set('offset', clockFile);
  return url.href;
}

/** Steps the wall clock of a process that was started with `clockPreload`. Undone by stepping back to the true time. */
export async function stepClock(name: string, clockFile: string, offsetMs: number): Promise<Injected> {
  if (!Number.isSafeInteger(offsetMs) || Math.abs(offsetMs) > faultLimits.clockStepMsMax)
    throw new RangeError(`a clock step of ${offsetMs} ms`);
  const step = async (ms: number): Promise<void> => {
    await writeFile(`${clockFile}.new`, String(ms));
    await rename(`${clockFile}.new`, clockFile);
  };
  await step(offsetMs);
  return {
    did: `stepped the wall clock of ${name} by ${offsetMs} ms`,
    undoing: `steps it back to the true time`,
    undo: () => step(0),
  };
}
