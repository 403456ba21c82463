/**
 * Decides from beats which nodes are alive. Pure: time is an argument (milliseconds of a monotonic clock).
 *
 * A node is silent when no fresh beat of it came on any channel for the grace period. Three things must not make a node silent:
 * a beat that was held up and comes late (sequence numbers), a pause of this very process (the gap between two
 * evaluations does not count), and our own deafness (while our link to NATS is down, nodes that we heard over NATS are not judged: they
 * change to gRPC only if their own link is down too).
 */
export interface FailureDetectorConfig {
  readonly gracePeriodMs: number;
  /** Two evaluations further apart than this mean that this process stood still. */
  readonly stallMs: number;
}

export type Channel = 'nats' | 'grpc';

export interface Transition {
  readonly node: string;
  readonly to: 'alive' | 'silent';
  /** How long no beat had come (0 when it comes alive). */
  readonly silentForMs: number;
}

export interface FailureDetector {
  /** Takes a beat. false: it is stale (a repetition, or of a boot that is over) and counts for nothing. */
  observe(
    beat: { readonly node: string; readonly bootId: string; readonly sequence: number },
    channel: Channel,
    nowMs: number,
  ): boolean;
  /** A node that we should hear from: it has the whole grace period from now. No effect on a node that is known. */
  expect(node: string, nowMs: number): void;
  /** The node does not exist any more. */
  forget(node: string): void;
  /** What changed since the last evaluation. Call it at least every `stallMs`. */
  evaluate(nowMs: number, natsLink: 'up' | 'down'): readonly Transition[];
  /** undefined: not known, or not decided yet. */
  verdict(node: string): 'alive' | 'silent' | undefined;
}

interface Watched {
  heardMs: number;
  channel: Channel | null;
  bootId: string | null;
  previousBootId: string | null;
  sequence: number;
  verdict: 'alive' | 'silent' | undefined;
}

export function createFailureDetector(config: FailureDetectorConfig): FailureDetector {
  const nodes = new Map<string, Watched>();
  let evaluatedMs: number | null = null;

  const watched = (node: string, nowMs: number): Watched => {
    let entry = nodes.get(node);
    if (entry === undefined) {
      entry = {
        heardMs: nowMs,
        channel: null,
        bootId: null,
        previousBootId: null,
        sequence: 0,
        verdict: undefined,
      };
      nodes.set(node, entry);
    }
    return entry;
  };

  /** Time in which this process stood still is taken out of every node's silence. */
  const forgiveStall = (nowMs: number): void => {
    const gapMs = evaluatedMs === null ? 0 : nowMs - evaluatedMs;
    if (gapMs > config.stallMs)
      for (const entry of nodes.values()) entry.heardMs = Math.min(nowMs, entry.heardMs + gapMs);
    evaluatedMs = nowMs;
  };

  return {
    observe: (beat, channel, nowMs) => {
      const entry = watched(beat.node, nowMs);
      if (beat.bootId === entry.previousBootId) return false;
      if (beat.bootId === entry.bootId && beat.sequence <= entry.sequence) return false;
      if (beat.bootId !== entry.bootId) entry.previousBootId = entry.bootId;
      entry.bootId = beat.bootId;
      entry.sequence = beat.sequence;
      entry.channel = channel;
      entry.heardMs = nowMs;
      return true;
    },
    expect: (node, nowMs) => void watched(node, nowMs),
    forget: (node) => void nodes.delete(node),
    evaluate: (nowMs, natsLink) => {
      forgiveStall(nowMs);
      const transitions: Transition[] = [];
      for (const [node, entry] of nodes) {
        const silentForMs = nowMs - entry.heardMs;
        const verdict = judge(entry, silentForMs, natsLink, config.gracePeriodMs);
        if (verdict === undefined || verdict === entry.verdict) continue;
        entry.verdict = verdict;
        transitions.push({ node, to: verdict, silentForMs: verdict === 'alive' ? 0 : silentForMs });
      }
      return transitions;
    },
    verdict: (node) => nodes.get(node)?.verdict,
  };
}

/** undefined: nothing new can be said. */
function judge(
  entry: Watched,
  silentForMs: number,
  natsLink: 'up' | 'down',
  gracePeriodMs: number,
): 'alive' | 'silent' | undefined {
  if (silentForMs < gracePeriodMs) return entry.channel === null ? undefined : 'alive';
  if (natsLink === 'down' && entry.channel !== 'grpc') return undefined;
  return 'silent';
}
