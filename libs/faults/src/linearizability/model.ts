/**
 * What an object does when its operations happen one after the other. Pure.
 *
 * Invariants that the checker relies on:
 * 1. `step` with a known output answers every state that the object may be in afterwards, and none if that output is impossible in `state`.
 * 2. `step` with an unknown output answers at least one state: the operation may always have been too late to matter.
 * 3. An operation that leaves a state as it is (`step` answers just that same state object) is a read: with this output it changes no other state either.
 *    So it may be placed as early as it fits, without looking at alternatives.
 * 4. `key` tells states apart: equal keys, equal futures.
 */
export interface Model<State, Input, Output> {
  initial(): State;
  /** `output` is undefined where the outcome is unknown. */
  step(state: State, input: Input, output: Output | undefined): readonly State[];
  key(state: State): string;
  /** Operations of different parts do not touch each other's state and are judged apart: a history is linearizable if each part is (Herlihy and Wing, locality). */
  partition?(input: Input): string;
}
