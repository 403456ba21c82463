import { describe, expect, it } from 'vitest';
import { createFailureDetector } from '@raftsman/heartbeat';

const config = { gracePeriodMs: 3_000, stallMs: 2_000 };
const beat = (sequence: number, bootId = 'boot-1', node = 'worker-1') => ({ node, bootId, sequence });

/** Evaluates every 500 ms up to `untilMs`. */
function run(
  detector: ReturnType<typeof createFailureDetector>,
  fromMs: number,
  untilMs: number,
  nats: 'up' | 'down' = 'up',
) {
  const transitions = [];
  for (let now = fromMs; now <= untilMs; now += 500) transitions.push(...detector.evaluate(now, nats));
  return transitions;
}

describe('failure detector', () => {
  it('takes a node for silent after the grace period and for alive at its next beat', () => {
    const detector = createFailureDetector(config);
    detector.observe(beat(1), 'nats', 0);
    expect(run(detector, 0, 2_500)).toEqual([{ node: 'worker-1', to: 'alive', silentForMs: 0 }]);
    expect(run(detector, 3_000, 4_000)).toEqual([{ node: 'worker-1', to: 'silent', silentForMs: 3_000 }]);
    detector.observe(beat(2), 'nats', 4_100);
    expect(run(detector, 4_500, 4_500)).toEqual([{ node: 'worker-1', to: 'alive', silentForMs: 0 }]);
  });

  it('gives a node that is expected and never heard the whole grace period', () => {
    const detector = createFailureDetector(config);
    detector.expect('worker-1', 1_000);
    expect(run(detector, 1_000, 3_500)).toEqual([]);
    expect(run(detector, 4_000, 4_000)).toEqual([{ node: 'worker-1', to: 'silent', silentForMs: 3_000 }]);
  });

  it('drops repetitions, late beats and beats of a boot that is over', () => {
    const detector = createFailureDetector(config);
    expect(detector.observe(beat(5), 'nats', 0)).toBe(true);
    expect(detector.observe(beat(5), 'grpc', 10)).toBe(false);
    expect(detector.observe(beat(4), 'nats', 20)).toBe(false);
    expect(detector.observe(beat(1, 'boot-2'), 'nats', 30)).toBe(true);
    expect(detector.observe(beat(6), 'nats', 40)).toBe(false);
    expect(detector.observe(beat(2, 'boot-2'), 'nats', 50)).toBe(true);
  });

  it('does not count the time in which this process stood still', () => {
    const detector = createFailureDetector(config);
    detector.observe(beat(1), 'nats', 0);
    run(detector, 0, 1_000);
    expect(detector.evaluate(60_000, 'up')).toEqual([]);
    expect(run(detector, 60_500, 61_500)).toEqual([]);
    expect(run(detector, 62_000, 62_000)).toMatchObject([{ to: 'silent' }]);
  });

  it('does not judge nodes that it heard over NATS while its own link is down, but judges those on gRPC', () => {
    const detector = createFailureDetector(config);
    detector.observe(beat(1, 'boot-1', 'on-nats'), 'nats', 0);
    detector.observe(beat(1, 'boot-1', 'on-grpc'), 'grpc', 0);
    run(detector, 0, 500);
    expect(run(detector, 1_000, 5_000, 'down')).toEqual([
      { node: 'on-grpc', to: 'silent', silentForMs: 3_000 },
    ]);
    expect(run(detector, 5_500, 5_500, 'up')).toMatchObject([{ node: 'on-nats', to: 'silent' }]);
  });

  it('forgets a node that is gone', () => {
    const detector = createFailureDetector(config);
    detector.observe(beat(1), 'nats', 0);
    run(detector, 0, 500);
    detector.forget('worker-1');
    expect(run(detector, 1_000, 9_000)).toEqual([]);
    expect(detector.verdict('worker-1')).toBeUndefined();
  });
});
