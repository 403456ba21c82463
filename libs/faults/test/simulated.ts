import {
  applySteps,
  emptyStore,
  type KvInput,
  type KvOutput,
  type Operation,
  type StepInput,
  type StoreState,
  type TxnInput,
} from '@raftsman/faults';

/** A generator with 32 bits of state (mulberry32): the same numbers for the same seed. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export type KvOperation = Operation<KvInput, KvOutput>;

export interface SimulatedOptions {
  readonly seed: number;
  readonly operations: number;
  readonly processes: number;
  readonly keys?: number;
  /** Share of writes whose answer is lost; half of them take effect. */
  readonly unknownShare?: number;
}

interface Client {
  readonly process: number;
  startMs: number;
  input: KvInput | null;
}

/**
 * Clients of a store that is correct by construction: each operation takes effect at one moment between its start and its end, moments of different
 * clients interleave at random. So the history is linearizable, and not in the order of its starts or ends.
 */
export function simulatedHistory(options: SimulatedOptions): {
  readonly operations: KvOperation[];
  readonly state: StoreState;
} {
  const random = seeded(options.seed);
  const { keys = 4, unknownShare = 0 } = options;
  const operations: KvOperation[] = [];
  let state = emptyStore;
  let nowMs = 0;
  let value = 0;
  const clients = Array.from({ length: options.processes }, (_, process): Client => ({
    process,
    startMs: 0,
    input: null,
  }));
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  const pending: { readonly at: number; readonly finish: () => void }[] = [];
  while (operations.length < options.operations) {
    nowMs += random();
    const client = pick(clients);
    if (client.input === null) {
      client.startMs = nowMs;
      client.input = randomInput(random, keys, () => `v${++value}`, state);
    } else if (pending.every(({ at }) => at !== client.process)) {
      const { startMs, process } = client;
      const input = client.input;
      const isWrite = input.op !== 'range';
      const isLost = isWrite && random() < unknownShare;
      if (isLost && random() < 0.5) {
        operations.push({ process, startMs, input, outcome: { kind: 'unknown', error: 'lost' } });
        client.input = null;
        continue;
      }
      const output = effect(input);
      pending.push({
        at: process,
        finish: () => {
          operations.push({
            process,
            startMs,
            input,
            outcome: isLost ? { kind: 'unknown', error: 'lost' } : { kind: 'ok', endMs: nowMs, output },
          });
          client.input = null;
        },
      });
    } else {
      const at = pending.findIndex((one) => one.at === client.process);
      pending.splice(at, 1)[0]!.finish();
    }
  }
  for (const { finish } of pending) finish();
  return { operations, state };

  function effect(input: KvInput): KvOutput {
    const result = answer(state, input);
    state = result.state;
    return result.output;
  }
}

/** What a correct store answers. */
export function answer(
  state: StoreState,
  input: KvInput,
): { readonly state: StoreState; readonly output: KvOutput } {
  if (input.op === 'revoke' || input.op === 'effect') throw new RangeError('not simulated');
  const succeeded =
    input.op !== 'txn' ||
    input.compares.every(({ key, modRevision }) => (state.keys.get(key)?.modRevision ?? 0) === modRevision);
  const steps = input.op !== 'txn' ? [input] : succeeded ? input.success : input.failure;
  const { state: next, responses } = applySteps(state, steps);
  const { revision } = next;
  const output = input.op === 'txn' ? { revision, succeeded, responses } : { revision, ...responses[0]! };
  return { state: next, output: output as KvOutput };
}

function randomInput(random: () => number, keys: number, value: () => string, state: StoreState): KvInput {
  const key = (): string => `k${Math.floor(random() * keys)}`;
  const dice = random();
  if (dice < 0.35) return { op: 'put', key: key(), value: value() };
  if (dice < 0.45) return { op: 'delete', key: key() };
  if (dice < 0.6) {
    const at = key();
    const modRevision = random() < 0.7 ? (state.keys.get(at)?.modRevision ?? 0) : 1;
    const success: StepInput[] = [{ op: 'put', key: at, value: value() }];
    return { op: 'txn', compares: [{ key: at, modRevision }], success, failure: [{ op: 'range', key: at }] };
  }
  if (dice < 0.7) {
    const success: StepInput[] = [
      { op: 'put', key: 'k0', value: value() },
      { op: 'range', key: 'k', end: 'l' },
      { op: 'delete', key: 'k1' },
      { op: 'put', key: 'k2', value: value() },
    ];
    return { op: 'txn', compares: [], success, failure: [] } satisfies TxnInput;
  }
  if (dice < 0.85) return { op: 'range', key: key() };
  return { op: 'range', key: 'k', end: 'l', limit: 3 };
}
