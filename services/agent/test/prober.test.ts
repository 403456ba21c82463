import type { Probe } from '@raftsman/api';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Prober } from '../src/probes/prober.js';

describe('the clock of a probe', () => {
  beforeEach(() => void vi.useFakeTimers({ now: 0 }));
  afterEach(() => void vi.useRealTimers());

  /** Runs for `lengthMs`; answers when it tried (`!`: a result that counted). */
  const times = async (probe: Probe, lengthMs: number, passesAtMs = Infinity, kickAtMs = Infinity) => {
    vi.setSystemTime(0);
    const tries: number[] = [];
    const counted: number[] = [];
    let awaited = true;
    const prober = new Prober({
      probe,
      startedAtMs: 0,
      now: Date.now,
      due: () => kickAtMs === Infinity || Date.now() >= kickAtMs,
      awaited: () => awaited,
      run: () => {
        tries.push(Date.now());
        return Promise.resolve({ passed: Date.now() >= passesAtMs, output: '' });
      },
      result: ({ passed }) => {
        counted.push(Date.now());
        if (passed) awaited = false;
      },
    });
    prober.start();
    if (kickAtMs !== Infinity) {
      await vi.advanceTimersByTimeAsync(kickAtMs);
      prober.kick();
      await vi.advanceTimersByTimeAsync(lengthMs - kickAtMs);
    } else await vi.advanceTimersByTimeAsync(lengthMs);
    prober.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    return { tries, counted };
  };

  it('tries at every period, and in between with growing pauses while it waits for success', async () => {
    const { tries, counted } = await times({ periodSeconds: 5 }, 21_000);
    expect(tries).toEqual([0, 250, 750, 1_750, 3_750, 5_000, 9_000, 10_000, 15_000, 20_000]);
    expect(counted).toEqual([0, 5_000, 10_000, 15_000, 20_000]);
  });
  it('counts a success in between at once, and then keeps to its periods', async () => {
    const { tries, counted } = await times({ periodSeconds: 5 }, 11_000, 700);
    expect(tries).toEqual([0, 250, 750, 5_000, 10_000]);
    expect(counted).toEqual([0, 750, 5_000, 10_000]);
  });
  it('waits for its initial delay, and for nothing longer once it may begin', async () => {
    expect((await times({ periodSeconds: 10, initialDelaySeconds: 3 }, 3_100, 0)).tries).toEqual([3_000]);
    expect((await times({ periodSeconds: 10 }, 5_000, 0, 4_000)).tries).toEqual([4_000]);
  });
});
