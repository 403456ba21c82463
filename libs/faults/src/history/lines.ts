import { faultLimits } from '../limits.js';
import type { Operation, Outcome } from './operation.js';

interface EventBase {
  /** Ties a completion to its invocation; unique in its history. */
  readonly id: number;
  readonly process: number;
  /** Milliseconds of the recorder's monotonic clock. */
  readonly atMs: number;
}

/** One line of a history file. */
export type HistoryEvent<Input, Output> =
  | (EventBase & { readonly kind: 'invoke'; readonly input: Input })
  | (EventBase & { readonly kind: 'ok'; readonly output: Output })
  | (EventBase & { readonly kind: 'fail' | 'unknown'; readonly error: string });

/** The file is no history: which line, and why. */
export class HistoryError extends Error {
  constructor(line: number, message: string) {
    super(`line ${line}: ${message}`);
    this.name = 'HistoryError';
  }
}

/**
 * Operations of JSON lines, in the order of their invocations; those without a completion are unknown. Throws HistoryError.
 * What inputs and outputs are is the model's affair: they are not looked into here.
 */
export function parseHistory<Input, Output>(text: string): readonly Operation<Input, Output>[] {
  const open = new Map<number, { process: number; startMs: number; input: Input; at: number }>();
  const seen = new Set<number>();
  const operations: Operation<Input, Output>[] = [];
  let lastMs = -Infinity;
  for (const [i, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const event = parseEvent<Input, Output>(line, i + 1);
    if (event.atMs < lastMs) throw new HistoryError(i + 1, 'time goes backwards');
    lastMs = event.atMs;
    const { id, process, atMs } = event;
    if (event.kind === 'invoke') {
      if (seen.has(id)) throw new HistoryError(i + 1, `operation ${id} is invoked twice`);
      seen.add(id);
      open.set(id, { process, startMs: atMs, input: event.input, at: operations.length });
      operations.push(operation(process, atMs, event.input, unfinished));
      continue;
    }
    const invoked = open.get(id);
    if (invoked === undefined || invoked.process !== process)
      throw new HistoryError(i + 1, `process ${process} completes operation ${id}, which it has not open`);
    open.delete(id);
    operations[invoked.at] = operation(process, invoked.startMs, invoked.input, outcomeOf(event));
  }
  return operations;
}

const unfinished = { kind: 'unknown', error: 'the history ends before it' } as const;

const operation = <Input, Output>(
  process: number,
  startMs: number,
  input: Input,
  outcome: Outcome<Output>,
): Operation<Input, Output> => ({ process, startMs, input, outcome });

function outcomeOf<Input, Output>(
  event: Exclude<HistoryEvent<Input, Output>, { kind: 'invoke' }>,
): Outcome<Output> {
  switch (event.kind) {
    case 'ok':
      return { kind: 'ok', endMs: event.atMs, output: event.output };
    case 'fail':
      return { kind: 'fail', endMs: event.atMs, error: event.error };
    case 'unknown':
      return { kind: 'unknown', error: event.error };
  }
}

function parseEvent<Input, Output>(line: string, number: number): HistoryEvent<Input, Output> {
  if (line.length > faultLimits.historyLineBytesMax)
    throw new HistoryError(number, `longer than ${faultLimits.historyLineBytesMax} bytes`);
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new HistoryError(number, error instanceof Error ? error.message : String(error));
  }
  if (typeof value !== 'object' || value === null) throw new HistoryError(number, 'not an object');
  const { id, process, atMs, kind, error } = value as Record<string, unknown>;
  if (!Number.isSafeInteger(id) || !Number.isSafeInteger(process) || !Number.isFinite(atMs))
    throw new HistoryError(number, 'id, process and atMs must be numbers');
  const hasBody =
    (kind === 'invoke' && 'input' in value) ||
    (kind === 'ok' && 'output' in value) ||
    ((kind === 'fail' || kind === 'unknown') && typeof error === 'string');
  if (!hasBody)
    throw new HistoryError(number, 'kind must be invoke (input), ok (output), fail or unknown (error)');
  return value as HistoryEvent<Input, Output>;
}
