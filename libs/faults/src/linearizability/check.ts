import type { Operation } from '../history/operation.js';
import { faultLimits } from '../limits.js';
import type { Model } from './model.js';
import { Search, type Budget, type SearchResult } from './search.js';

/** `part`: the part of the history that decided (empty where the model has none). `order` of a linearizable history: one per part. */
export type Verdict<Input, Output> =
  | {
      readonly kind: 'linearizable';
      readonly orders: ReadonlyMap<string, readonly Operation<Input, Output>[]>;
    }
  | (Exclude<SearchResult<Input, Output>, { kind: 'linearizable' }> & { readonly part: string });

export interface CheckOptions {
  /** A monotonic clock in milliseconds; judging is pure otherwise. */
  readonly now: () => number;
  /** Milliseconds for the whole history. Default: `faultLimits.checkTimeMsMax`. */
  readonly timeMsMax?: number;
  /** Default: `faultLimits.configurationsMax`, for each part. */
  readonly configurationsMax?: number;
}

/**
 * Whether the operations can have happened one after the other, each between its invocation and its answer, so that the model gives those answers.
 * Failed operations must not have happened; unknown ones may have, at any time after their invocation, or not. Whoever runs out of time or memory
 * does not know: it never answers `linearizable` then. One part that is not linearizable decides, whatever others were unknown.
 */
export function checkLinearizability<State, Input, Output>(
  model: Model<State, Input, Output>,
  operations: readonly Operation<Input, Output>[],
  options: CheckOptions,
): Verdict<Input, Output> {
  const { now, timeMsMax = faultLimits.checkTimeMsMax } = options;
  const budget: Budget = {
    now,
    deadlineMs: now() + timeMsMax,
    configurationsMax: options.configurationsMax ?? faultLimits.configurationsMax,
  };
  const orders = new Map<string, readonly Operation<Input, Output>[]>();
  let undecided: Verdict<Input, Output> | null = null;
  for (const [part, ofPart] of partsOf(model, operations)) {
    const result = new Search(model, ofPart, budget).run();
    if (result.kind === 'not-linearizable') return { ...result, part };
    if (result.kind === 'unknown') undecided ??= { ...result, part };
    else orders.set(part, result.order);
  }
  return undecided ?? { kind: 'linearizable', orders };
}

function partsOf<State, Input, Output>(
  model: Model<State, Input, Output>,
  operations: readonly Operation<Input, Output>[],
): ReadonlyMap<string, readonly Operation<Input, Output>[]> {
  const parts = new Map<string, Operation<Input, Output>[]>();
  for (const operation of operations) {
    const part = model.partition?.(operation.input) ?? '';
    const existing = parts.get(part);
    if (existing === undefined) parts.set(part, [operation]);
    else existing.push(operation);
  }
  return parts;
}
