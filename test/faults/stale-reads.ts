import {
  sameKeyValue,
  type Compaction,
  type RangeInput,
  type RangeOutput,
  type Replay,
} from '@raftsman/faults';

/** A serializable read: at a revision, or (0) of what the member has. */
export interface StaleRead {
  readonly member: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly input: RangeInput;
  readonly revision: number;
  readonly outcome: { readonly kind: 'ok'; readonly output: RangeOutput } | { readonly kind: 'compacted' };
}

/** Why the answer is wrong; null if it is right, or of a revision before all that is replayed. */
export function judgeStaleRead(
  read: StaleRead,
  replay: Replay,
  compactions: readonly Compaction[],
): string | null {
  const { input, outcome, member } = read;
  const what = `serializable read of ${JSON.stringify(input)} at revision ${read.revision} on ${member}`;
  if (outcome.kind === 'compacted') {
    const isDue = compactions.some(
      ({ startMs, revision }) => startMs <= read.endMs && revision > read.revision,
    );
    return isDue ? null : `${what} was refused as compacted, which nobody asked for`;
  }
  const { output } = outcome;
  const at = read.revision === 0 ? output.revision : read.revision;
  if (output.revision < at) return `${what} was answered by a member at revision ${output.revision}`;
  if (at > replay.revision) return `${what} was answered with a revision that did not happen`;
  if (!replay.knows(at)) return null;
  const expected = replay.range(at, input.key, input.end, input.limit);
  const isSame =
    output.count === expected.count &&
    output.kvs.length === expected.kvs.length &&
    output.kvs.every((kv, i) => sameKeyValue(kv, expected.kvs[i]!));
  return isSame ? null : `${what}: ${JSON.stringify(output)}, not ${JSON.stringify(expected)}`;
}
