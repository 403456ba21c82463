import type { Model } from '../linearizability/model.js';
import { applyEvents, applySteps, sameKeyValue, type StoreState } from './store-state.js';
import type { KeyValue, KvInput, KvOutput, RangeOutput, StepOutput, TxnInput, TxnOutput } from './types.js';

/**
 * The whole store with its revisions, as etcd's robustness tests model it: answers carry the revision, so that nearly each operation fits in one
 * place alone and the search hardly branches. Transactions may touch several keys, so there are no parts. `initial`: where the history begins.
 */
export function storeModel(initial: StoreState): Model<StoreState, KvInput, KvOutput> {
  return { initial: () => initial, step, key: keyOf };
}

const sortedKeys = new WeakMap<StoreState, string>();

function keyOf(state: StoreState): string {
  const known = sortedKeys.get(state);
  if (known !== undefined) return known;
  const keys = [...state.keys.values()]
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map((kv) => [kv.key, kv.value, kv.createRevision, kv.modRevision, kv.version, kv.lease]);
  const text = JSON.stringify([state.revision, keys]);
  sortedKeys.set(state, text);
  return text;
}

function step(state: StoreState, input: KvInput, output: KvOutput | undefined): readonly StoreState[] {
  if (input.op === 'effect')
    return state.revision + 1 === input.revision ? [applyEvents(state, input.events)] : [];
  if (input.op === 'revoke') return revoke(state, input.lease, output);
  const { revision } = state;
  // Before anything is copied: an answer names the revision before which, or at which, it happened.
  if (output !== undefined && output.revision !== revision && output.revision !== revision + 1) return [];
  const isTrue = input.op === 'txn' && holds(state, input);
  const steps = input.op !== 'txn' ? [input] : isTrue ? input.success : input.failure;
  const { state: next, responses } = applySteps(state, steps);
  if (output === undefined) return [next];
  if (output.revision !== next.revision) return [];
  const expected = input.op === 'txn' ? { succeeded: isTrue, responses } : { succeeded: true, responses };
  const given = asTxn(input, output);
  const fits =
    given.succeeded === expected.succeeded &&
    given.responses.length === expected.responses.length &&
    given.responses.every((response, i) => sameResponse(response, expected.responses[i]!));
  return fits ? [next] : [];
}

const holds = (state: StoreState, { compares }: TxnInput): boolean =>
  compares.every(({ key, modRevision }) => (state.keys.get(key)?.modRevision ?? 0) === modRevision);

/** After it nothing hangs on the lease. Unanswered, it says nothing: if it took effect, that is an effect of its own. */
function revoke(state: StoreState, lease: string, output: KvOutput | undefined): readonly StoreState[] {
  if (output === undefined) return [state];
  return [...state.keys.values()].some((kv) => kv.lease === lease) ? [] : [state];
}

function asTxn(input: KvInput, output: KvOutput): Pick<TxnOutput, 'succeeded' | 'responses'> {
  if (input.op === 'txn') return output as TxnOutput;
  return { succeeded: true, responses: [input.op === 'put' ? {} : (output as unknown as StepOutput)] };
}

function sameResponse(given: StepOutput, expected: StepOutput): boolean {
  if ('deleted' in expected) return 'deleted' in given && given.deleted === expected.deleted;
  if (!('kvs' in expected)) return true;
  if (!('kvs' in given)) return false;
  const [a, b] = [given as Omit<RangeOutput, 'revision'>, expected as Omit<RangeOutput, 'revision'>];
  return a.count === b.count && a.kvs.length === b.kvs.length && a.kvs.every((kv, i) => same(kv, b.kvs[i]));
}

const same = (a: KeyValue, b: KeyValue | undefined): boolean => b !== undefined && sameKeyValue(a, b);
