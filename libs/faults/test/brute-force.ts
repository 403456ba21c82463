import type { Model, Operation } from '@raftsman/faults';

/** The definition, word for word: is there an order of some of the unknown and all of the answered operations? For a handful of operations. */
export function bruteForce<State, Input, Output>(
  model: Model<State, Input, Output>,
  operations: readonly Operation<Input, Output>[],
): boolean {
  const candidates = operations.filter(({ outcome }) => outcome.kind !== 'fail');
  const search = (state: State, left: readonly Operation<Input, Output>[]): boolean => {
    if (left.every(({ outcome }) => outcome.kind === 'unknown')) return true;
    return left.some((next) => {
      const isTooEarly = left.some(
        (other) => other !== next && other.outcome.kind === 'ok' && other.outcome.endMs < next.startMs,
      );
      if (isTooEarly) return false;
      const output = next.outcome.kind === 'ok' ? next.outcome.output : undefined;
      const rest = left.filter((other) => other !== next);
      return model.step(state, next.input, output).some((after) => search(after, rest));
    });
  };
  return search(model.initial(), candidates);
}
