/**
 * What a client learned. `fail`: it certainly took no effect. `unknown`: it may have taken effect, or may yet (a timeout, a broken connection).
 * Times are milliseconds of one monotonic clock, the recorder's.
 */
export type Outcome<Output> =
  | { readonly kind: 'ok'; readonly endMs: number; readonly output: Output }
  | { readonly kind: 'fail'; readonly endMs: number; readonly error: string }
  | { readonly kind: 'unknown'; readonly error: string };

/** One call of one client. A process calls one operation at a time, unless it went on after an unknown outcome. */
export interface Operation<Input, Output> {
  readonly process: number;
  readonly startMs: number;
  readonly input: Input;
  readonly outcome: Outcome<Output>;
}

/** An operation that was answered: only these bind the order. */
export interface Answered<Input, Output> extends Operation<Input, Output> {
  readonly outcome: Extract<Outcome<Output>, { kind: 'ok' }>;
}

export const isAnswered = <Input, Output>(
  operation: Operation<Input, Output>,
): operation is Answered<Input, Output> => operation.outcome.kind === 'ok';
