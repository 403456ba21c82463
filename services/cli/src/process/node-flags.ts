/**
 * What every process of ours is started with, as in the first line of bin/raftsman (docs/decisions/0016, 0017, 0020): a new space that does not
 * outgrow what a Raspberry Pi has, a compiler that inlines less and is done sooner, and the collector at hand for a process that is quiet.
 */
export const nodeFlags: readonly string[] = [
  '--max-semi-space-size=8',
  '--max-inlined-bytecode-size-cumulative=300',
  '--expose-gc',
];
