import { ApiError } from '@raftsman/api';
import type { Logger } from '@raftsman/telemetry';
import type { ApiClient } from './api-client.js';
import { systemClock, type Clock } from './clock.js';
import { isNotFound } from './errors.js';
import { BoundedMap, EventCorrelator, type ObjectReference, type Observation } from './event-correlator.js';
import { clientLimits } from './limits.js';
import type { ResourceClient } from './resource-client.js';
import type { ObjectLike, ResourceType, Stored } from './types.js';

/** Notes what happens, in the name of one component. */
export interface EventSink {
  /** Notes that something happened to an object. Best effort: never waits, never fails. */
  event(regarding: ObjectReference, type: 'Normal' | 'Warning', reason: string, message: string): void;
}

export interface EventRecorder extends EventSink {
  /** The same queue in another component's name. */
  as(component: string): EventSink;
  /** Sends what was noted, until `signal` aborts; what waits then is dropped. */
  run(signal: AbortSignal): Promise<void>;
}

interface EventObject extends ObjectLike {
  type?: string;
  reason?: string;
  message?: string;
  count?: number;
  firstTimestamp?: string;
  lastTimestamp?: string;
  involvedObject?: ObjectReference;
  source?: { component: string };
  reportingComponent?: string;
  reportingInstance?: string;
}

const eventResource: ResourceType = {
  group: '',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  namespaced: true,
};

export interface EventRecorderOptions {
  readonly client: ApiClient;
  /** source.component: "default-scheduler". */
  readonly component: string;
  readonly logger: Logger;
  readonly clock?: Clock;
}

export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  return new Recorder(options);
}

/** The reference of a stored object. */
export const referenceTo = (object: Stored<unknown>): ObjectReference => ({
  apiVersion: object.apiVersion,
  kind: object.kind,
  name: object.metadata.name,
  ...(object.metadata.namespace === undefined ? {} : { namespace: object.metadata.namespace }),
  uid: object.metadata.uid,
});

class Recorder implements EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #clock: Clock;
  readonly #events: ResourceClient<EventObject>;
  readonly #correlator = new EventCorrelator();
  readonly #sent = new BoundedMap<Stored<EventObject>>(clientLimits.eventCacheMax);
  readonly #queue: Observation[] = [];
  #wake = (): void => {};
  #dropped = 0;
  #lastNameMs = 0;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#events = options.client.of<EventObject>(eventResource);
  }

  event(regarding: ObjectReference, type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.#note(this.#options.component, regarding, type, reason, message);
  }

  as(component: string): EventSink {
    return { event: (...rest) => this.#note(component, ...rest) };
  }

  #note(component: string, ...[regarding, type, reason, message]: Parameters<EventSink['event']>): void {
    if (this.#queue.length >= clientLimits.eventQueueMax) {
      this.#dropped += 1;
      return;
    }
    const short = truncate(message, clientLimits.eventMessageBytesMax);
    this.#queue.push({ component, regarding, type, reason, message: short, atMs: this.#clock.wallMs() });
    this.#wake();
  }

  async run(signal: AbortSignal): Promise<void> {
    const wakeUp = (): void => this.#wake();
    signal.addEventListener('abort', wakeUp, { once: true });
    while (!signal.aborted) {
      const observation = this.#queue.shift();
      if (observation === undefined) {
        await new Promise<void>((resolve) => (this.#wake = resolve));
        continue;
      }
      try {
        await this.#record(observation);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        if (!signal.aborted)
          this.#options.logger.debug({ err: error, reason: observation.reason }, 'event not recorded');
      }
      this.#reportDropped();
    }
    signal.removeEventListener('abort', wakeUp);
  }

  #reportDropped(): void {
    if (this.#dropped === 0 || this.#queue.length > 0) return;
    this.#options.logger.warn({ dropped: this.#dropped }, 'too many events at once, some were dropped');
    this.#dropped = 0;
  }

  async #record(observation: Observation): Promise<void> {
    const correlated = this.#correlator.correlate(observation);
    if (correlated.kind === 'drop') return;
    const { key, message } = correlated;
    const before = this.#sent.get(key);
    const stored =
      (before === undefined ? undefined : await this.#raiseCount(before, observation, message)) ??
      (await this.#events.create(this.#toEvent(observation, message)));
    this.#sent.set(key, stored);
  }

  /** Undefined if the Event is gone meanwhile. */
  async #raiseCount(
    before: Stored<EventObject>,
    { atMs }: Observation,
    message: string,
  ): Promise<Stored<EventObject> | undefined> {
    const { namespace, name } = before.metadata;
    try {
      return await this.#events.modify(
        { namespace, name },
        (current) => ({
          ...current,
          message,
          count: (current.count ?? 1) + 1,
          lastTimestamp: timestamp(atMs),
        }),
        { start: before },
      );
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  #toEvent({ component, regarding, type, reason, atMs }: Observation, message: string): EventObject {
    // Kubernetes' names: the object's and the time in hex; two in one millisecond get different ones.
    this.#lastNameMs = Math.max(atMs, this.#lastNameMs + 1);
    const suffix = (BigInt(this.#lastNameMs) * 1_000_000n).toString(16);
    return {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: {
        namespace: regarding.namespace ?? 'default',
        name: `${regarding.name.slice(0, 230)}.${suffix}`,
      },
      involvedObject: regarding,
      type,
      reason,
      message,
      count: 1,
      firstTimestamp: timestamp(atMs),
      lastTimestamp: timestamp(atMs),
      source: { component },
      reportingComponent: component,
      reportingInstance: '',
    };
  }
}

const timestamp = (wallMs: number): string => `${new Date(wallMs).toISOString().slice(0, 19)}Z`;

function truncate(text: string, bytesMax: number): string {
  if (Buffer.byteLength(text) <= bytesMax) return text;
  const head = Buffer.from(text)
    .subarray(0, bytesMax - 3)
    .toString();
  return `${head.replace(/\uFFFD+$/u, '')}...`;
}
