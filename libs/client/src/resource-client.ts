import { apiErrorFromGrpc } from '@raftsman/api';
import type { Object__Output } from '@raftsman/proto/gen/raftsman/v1/Object.js';
import type { ObjectList__Output } from '@raftsman/proto/gen/raftsman/v1/ObjectList.js';
import type { ResourceRef } from '@raftsman/proto/gen/raftsman/v1/ResourceRef.js';
import type { WatchEvent__Output } from '@raftsman/proto/gen/raftsman/v1/WatchEvent.js';
import type { WriteOptions } from '@raftsman/proto/gen/raftsman/v1/WriteOptions.js';
import type { ClientContext } from './api-client.js';
import { callStream, callUnary, type CallRules, type UnaryCall } from './calls.js';
import { yieldToEventLoop } from './clock.js';
import { isConflict } from './errors.js';
import { clientLimits } from './limits.js';
import type {
  ListOptions,
  ObjectLike,
  ObjectList,
  ObjectRef,
  ResourceType,
  Stored,
  WatchEvent,
} from './types.js';

export interface WatchOptions extends ListOptions {
  /** Events after this one. */
  readonly resourceVersion: string;
  readonly signal: AbortSignal;
}

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: 'Orphan' | 'Background' | 'Foreground';
  /** Deletes only this incarnation. */
  readonly uid?: string;
  readonly resourceVersion?: string;
}

export interface ResourceClient<T extends ObjectLike> {
  get(ref: ObjectRef): Promise<Stored<T>>;
  /** All objects, page by page, as of one resourceVersion. */
  list(options?: ListOptions): Promise<ObjectList<T>>;
  /** Ends quietly when the server ends it or `signal` aborts; throws ApiError `Expired` when the start is too old. */
  watch(options: WatchOptions): AsyncGenerator<WatchEvent<T>, void, undefined>;
  /** Repeated only if the object carries its own name, so that it cannot come into being twice. */
  create(object: T): Promise<Stored<T>>;
  /** Replaces the version that `object` carries; rejects with Conflict if there is a newer one. */
  update(object: Stored<T>): Promise<Stored<T>>;
  /** The same for status alone. */
  updateStatus(object: Stored<T>): Promise<Stored<T>>;
  /** Posts to a subresource, such as a Binding to pods/binding. */
  createSubresource(ref: ObjectRef, subresource: string, body: ObjectLike): Promise<void>;
  /** Replaces a subresource, such as namespaces/finalize. */
  updateSubresource(ref: ObjectRef, subresource: string, body: ObjectLike): Promise<void>;
  /**
   * Reads, lets `change` make the next version (undefined: leave it), and writes; again from the start on Conflict.
   * `start` saves the first read. Answers what is stored then.
   */
  modify(
    ref: ObjectRef,
    change: (current: Stored<T>) => Stored<T> | undefined,
    options?: { readonly status?: boolean; readonly start?: Stored<T> },
  ): Promise<Stored<T>>;
  delete(ref: ObjectRef, options?: DeleteOptions): Promise<void>;
}

const modifyAttemptsMax = 10;

export function createResourceClient<T extends ObjectLike>(
  context: ClientContext,
  resource: ResourceType,
): ResourceClient<T> {
  return new GrpcResourceClient<T>(context, resource);
}

class GrpcResourceClient<T extends ObjectLike> implements ResourceClient<T> {
  readonly #context: ClientContext;
  readonly #resource: ResourceType;
  readonly #options: WriteOptions;

  constructor(context: ClientContext, resource: ResourceType) {
    this.#context = context;
    this.#resource = resource;
    this.#options = { fieldManager: context.fieldManager };
  }

  async get(ref: ObjectRef): Promise<Stored<T>> {
    const request = { ref: this.#refOf(ref) };
    return decode<T>(
      await this.#unary((client, ...rest) => client.get(request, ...rest), { repeatable: true }),
    );
  }

  list(options: ListOptions = {}): Promise<ObjectList<T>> {
    return listPages<T>((token) => this.#page(options, token));
  }

  async *watch(options: WatchOptions): AsyncGenerator<WatchEvent<T>, void, undefined> {
    const request = {
      ref: this.#refOf(options),
      labelSelector: options.labelSelector ?? '',
      fieldSelector: options.fieldSelector ?? '',
      resourceVersion: options.resourceVersion,
      allowWatchBookmarks: true,
    };
    const { endpoints, clock, signal } = this.#context;
    const stop = either(signal, options.signal);
    const events = callStream<WatchEvent__Output>(endpoints, clock, (client) => client.watch(request), stop);
    for await (const event of events) yield decodeEvent<T>(event);
  }

  async create(object: T): Promise<Stored<T>> {
    const { namespace, name = '' } = object.metadata ?? {};
    return decode<T>(await this.#post(this.#refOf({ namespace }), object, name !== ''));
  }

  update(object: Stored<T>): Promise<Stored<T>> {
    return this.#put(this.#refOf(object.metadata), object);
  }

  updateStatus(object: Stored<T>): Promise<Stored<T>> {
    return this.#put(this.#refOf(object.metadata, 'status'), object);
  }

  async createSubresource(ref: ObjectRef, subresource: string, body: ObjectLike): Promise<void> {
    await this.#post(this.#refOf(ref, subresource), body, false);
  }

  async updateSubresource(ref: ObjectRef, subresource: string, body: ObjectLike): Promise<void> {
    await this.#put(this.#refOf(ref, subresource), body);
  }

  async modify(
    ref: ObjectRef,
    change: (current: Stored<T>) => Stored<T> | undefined,
    { status = false, start }: { readonly status?: boolean; readonly start?: Stored<T> } = {},
  ): Promise<Stored<T>> {
    let current = start ?? (await this.get(ref));
    for (let attempt = 1; ; attempt += 1) {
      const next = change(current);
      if (next === undefined) return current;
      try {
        return await (status ? this.updateStatus(next) : this.update(next));
      } catch (error) {
        if (!isConflict(error) || attempt === modifyAttemptsMax) throw error;
        current = await this.get(ref);
      }
    }
  }

  async delete(ref: ObjectRef, options: DeleteOptions = {}): Promise<void> {
    const request = { ref: this.#refOf(ref), options: deletion(options) };
    const repeatable = options.uid !== undefined;
    await this.#unary((client, ...rest) => client.delete(request, ...rest), { repeatable });
  }

  #refOf(ref: Partial<ObjectRef>, subresource = ''): ResourceRef {
    const { group, version, plural } = this.#resource;
    const { namespace = '', name = '' } = ref;
    return { group, version, resource: plural, namespace, name, subresource };
  }

  #unary<Response>(call: UnaryCall<Response>, rules: CallRules): Promise<Response> {
    const { endpoints, clock, signal, timeouts } = this.#context;
    return callUnary(endpoints, clock, call, { signal, ...timeouts, ...rules });
  }

  #page(options: ListOptions, token: string): Promise<ObjectList__Output> {
    const request = {
      ref: this.#refOf({ namespace: options.namespace }),
      labelSelector: options.labelSelector ?? '',
      fieldSelector: options.fieldSelector ?? '',
      limit: clientLimits.listPageObjects,
      continue: token,
    };
    const { signal } = this.#context;
    return this.#unary((client, ...rest) => client.list(request, ...rest), {
      repeatable: true,
      signal: options.signal === undefined ? signal : either(signal, options.signal),
      attemptTimeoutMs: clientLimits.listTimeoutMs,
      callTimeoutMs: clientLimits.listTimeoutMs,
    });
  }

  #post(ref: ResourceRef, object: ObjectLike, repeatable: boolean): Promise<Object__Output> {
    const request = { ref, object: encode(object), options: this.#options };
    return this.#unary((client, ...rest) => client.create(request, ...rest), { repeatable });
  }

  async #put(ref: ResourceRef, object: ObjectLike): Promise<Stored<T>> {
    const request = { ref, object: encode(object), options: this.#options };
    const repeatable = (object.metadata?.resourceVersion ?? '') !== '';
    return decode<T>(await this.#unary((client, ...rest) => client.update(request, ...rest), { repeatable }));
  }
}

/** One signal where both are the same or one is missing: AbortSignal.any leaves a trace on each of its sources. */
function either(scope: AbortSignal | undefined, own: AbortSignal): AbortSignal {
  return scope === undefined || scope === own ? own : AbortSignal.any([scope, own]);
}

function deletion(options: DeleteOptions): object {
  return {
    propagationPolicy: options.propagationPolicy ?? '',
    preconditionUid: options.uid ?? '',
    preconditionResourceVersion: options.resourceVersion ?? '',
    ...(options.gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds: options.gracePeriodSeconds }),
  };
}

/** Follows `continue` to the end. A token that expires on the way is the caller's to meet with a new list. */
async function listPages<T>(page: (token: string) => Promise<ObjectList__Output>): Promise<ObjectList<T>> {
  const items: Stored<T>[] = [];
  let token = '';
  for (;;) {
    const answer = await page(token);
    for (const [index, item] of answer.items.entries()) {
      if (index > 0 && index % clientLimits.informerBatchObjects === 0) await yieldToEventLoop();
      items.push(decode<T>(item));
    }
    token = answer.continue;
    if (token === '') return { resourceVersion: answer.resourceVersion, items };
  }
}

const encode = (object: ObjectLike): { json: Buffer } => ({ json: Buffer.from(JSON.stringify(object)) });

function decode<T>(object: Object__Output): Stored<T> {
  try {
    return JSON.parse(object.json.toString()) as Stored<T>;
  } catch (error) {
    if (error instanceof SyntaxError)
      throw apiErrorFromGrpc(13, `the apiserver's answer is no JSON: ${error.message}`);
    throw error;
  }
}

function decodeEvent<T>(event: WatchEvent__Output): WatchEvent<T> {
  const { type } = event;
  const object = decode<T>(event.object ?? { json: Buffer.from('{}') });
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
      return { type, object };
    case 'BOOKMARK':
      return { type, resourceVersion: object.metadata.resourceVersion };
    default:
      throw apiErrorFromGrpc(13, `unknown watch event ${JSON.stringify(type)}`);
  }
}
