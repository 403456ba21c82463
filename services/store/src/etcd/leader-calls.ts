import { setTimeout as sleep } from 'node:timers/promises';
import { serviceDefinition, status } from '@raftsman/wire';
import { AuthError } from '../auth/types.js';
import { ForwardError, ReplicaError, type ForwardedAnswer, type ForwardedCall } from '../contract.js';
import { identityOf, untilCurrent, type Asker, type Caller } from './access.js';
import type { Context } from './context.js';
import { etcdError, EtcdError, etcdErrors, toEtcdError } from './errors.js';
import type { Leadership } from './leadership.js';
import { etcdLimits } from './limits.js';

/** `Lease/LeaseKeepAlive`, of package etcdserverpb. */
export type LeaderMethod =
  | 'Lease/LeaseKeepAlive'
  | 'Lease/LeaseTimeToLive'
  | `Cluster/${'MemberAdd' | 'MemberRemove' | 'MemberUpdate' | 'MemberPromote' | 'MemberList'}`;

/** Answers while this member leads; null: it does not (any more), and nothing was done. Rejects with EtcdError, AuthError, MembershipError or ReplicaError. */
type Here<Request, Response> = (request: Request, asker: Asker) => Promise<Response | null>;

/**
 * What came of a call that was passed on and not answered, or broke off and was refused when it was repeated: it may have been done. null: it was not.
 * Rejects with ReplicaError.
 */
export type Settle<Response> = () => Promise<Response | null>;

/** Rejects as Here does, and with `no leader` or `request timed out` when there is no answer in time. Without `settle` it makes no difference how often it is done. */
export type LeaderCall<Request, Response> = (
  request: Request,
  caller: Caller,
  settle?: Settle<Response>,
) => Promise<Response>;

interface Method {
  readonly path: string;
  readonly serializeRequest: (request: object) => Buffer;
  readonly deserializeRequest: (bytes: Buffer) => object;
  readonly serializeResponse: (response: object) => Buffer;
  readonly deserializeResponse: (bytes: Buffer) => object;
  readonly here: Here<object, object>;
}

/** `broken`: nobody knows what became of it. */
type Passed =
  { readonly kind: 'response'; readonly response: object } | { readonly kind: 'nowhere' | 'broken' };

/**
 * What only the leader can answer: on this member while it leads, else by the leader, which is asked over the peer port in the name of whoever
 * asks here (docs/decisions/0022). A change of leader is a pause: it goes on with the next one.
 */
export class LeaderCalls {
  readonly #context: Context;
  readonly #leadership: Leadership;
  readonly #timeoutMs: number;
  readonly #methods = new Map<string, Method>();
  readonly #stop: () => void;

  constructor(context: Context, leadership: Leadership) {
    this.#context = context;
    this.#leadership = leadership;
    this.#timeoutMs = etcdLimits.leaderCallTimeoutBaseMs + 2 * context.config.electionTimeoutMs;
    this.#stop = context.replica.answerForwarded((call) => this.#answer(call));
  }

  /** Makes a method known to the other members, and answers how it is called here. */
  method<Request extends object, Response extends object>(
    name: LeaderMethod,
    here: Here<Request, Response>,
  ): LeaderCall<Request, Response> {
    const method = methodOf(name, here as unknown as Here<object, object>);
    this.#methods.set(method.path, method);
    const call = (request: object, caller: Caller, settle?: Settle<object>): Promise<object> =>
      this.#call(method, request, caller, settle);
    return call as unknown as LeaderCall<Request, Response>;
  }

  close(): void {
    this.#stop();
  }

  async #call(method: Method, request: object, caller: Caller, settle?: Settle<object>): Promise<object> {
    const untilMs = performance.now() + this.#timeoutMs;
    let broken = false;
    for (;;) {
      try {
        const done = await this.#attempt(method, request, caller, untilMs);
        if (done.kind === 'response') return done.response;
        broken ||= done.kind === 'broken';
      } catch (error) {
        const mayBeDone = broken || error instanceof ForwardError;
        const settled = mayBeDone && toEtcdError(error) !== undefined ? await settle?.() : null;
        if (!settled) throw error;
        return settled;
      }
      await this.#pause(untilMs);
    }
  }

  async #attempt(method: Method, request: object, caller: Caller, untilMs: number): Promise<Passed> {
    if (this.#context.replica.status().role !== 'leader')
      return untilCurrent(() => this.#pass(method, request, caller, untilMs));
    const response = await method.here(request, caller);
    return response === null ? { kind: 'nowhere' } : { kind: 'response', response };
  }

  async #pass(method: Method, request: object, caller: Caller, untilMs: number): Promise<Passed> {
    const { user, revision: authRevision } = await identityOf(this.#context, caller);
    const call = { path: method.path, request: method.serializeRequest(request), user, authRevision };
    const answer = await this.#forward(call, Math.max(1, untilMs - performance.now()));
    switch (answer.kind) {
      case 'response':
        return { kind: 'response', response: method.deserializeResponse(Buffer.from(answer.response)) };
      case 'refusal':
        return this.#refuse(new EtcdError(answer.code, answer.details));
      case 'not-leader':
        return { kind: 'nowhere' };
      case 'broken':
        return answer;
    }
  }

  /** Rejects with ReplicaError (`too-many-requests`, `stopped`) or ForwardError. */
  async #forward(call: ForwardedCall, timeoutMs: number): Promise<ForwardedAnswer | { kind: 'broken' }> {
    try {
      return await this.#context.replica.forward(call, timeoutMs);
    } catch (error) {
      if (!(error instanceof ReplicaError)) throw error;
      if (error.code === 'no-leader') return { kind: 'not-leader' };
      if (error.code === 'leader-changed' || error.code === 'timeout') return { kind: 'broken' };
      throw error;
    }
  }

  /** Of the leader's refusals one is not for the client: this member did not know the newest users. */
  async #refuse(refusal: EtcdError): Promise<never> {
    if (refusal.details !== etcdErrors.authOldRevision[1]) throw refusal;
    const { replica } = this.#context;
    // It knows nobody.
    if (replica.standing === 'witness') throw new AuthError('user-empty');
    await replica.readIndex();
    throw new AuthError('old-revision');
  }

  /** Until it is worth another attempt. Rejects with EtcdError once the time is over. */
  async #pause(untilMs: number): Promise<void> {
    const restMs = untilMs - performance.now();
    if (!this.#leadership.hasLeader()) await this.#leadership.untilLed(Math.max(0, restMs));
    else await sleep(Math.min(etcdLimits.leaderCallRetryMs, Math.max(0, restMs)));
    if (performance.now() >= untilMs) throw etcdError(this.#leadership.hasLeader() ? 'timeout' : 'noLeader');
  }

  /** Another member takes this one for the leader. Rejects with ReplicaError when it is not known what was done. */
  async #answer({ path, request, user, authRevision }: ForwardedCall): Promise<ForwardedAnswer> {
    const method = this.#methods.get(path);
    if (method === undefined)
      return { kind: 'refusal', code: status.UNIMPLEMENTED, details: `${path} is not the leader's` };
    if (this.#context.replica.status().role !== 'leader') return { kind: 'not-leader' };
    try {
      const parsed = parse(method, request);
      const response = await method.here(parsed, { user, revision: authRevision });
      if (response === null) return { kind: 'not-leader' };
      return { kind: 'response', response: method.serializeResponse(response) };
    } catch (error) {
      if (error instanceof ReplicaError && error.code === 'stopped') throw error;
      if (error instanceof ReplicaError && error.code === 'no-leader') return { kind: 'not-leader' };
      const refusal = toEtcdError(error);
      if (refusal === undefined) throw error;
      return { kind: 'refusal', code: refusal.code, details: refusal.details };
    }
  }
}

function methodOf(name: LeaderMethod, here: Here<object, object>): Method {
  const [service, method] = name.split('/') as [string, string];
  const definition = serviceDefinition('etcd/rpc.proto', `etcdserverpb.${service}`)[method]!;
  return {
    path: definition.path,
    serializeRequest: definition.requestSerialize,
    deserializeRequest: definition.requestDeserialize,
    serializeResponse: definition.responseSerialize,
    deserializeResponse: definition.responseDeserialize,
    here,
  };
}

/** Throws EtcdError. */
function parse(method: Method, request: Uint8Array): object {
  try {
    return method.deserializeRequest(Buffer.from(request));
  } catch (error) {
    throw new EtcdError(status.INTERNAL, `Error deserializing request: ${String(error)}`);
  }
}
