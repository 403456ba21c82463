import { isDeepStrictEqual } from 'node:util';
import type { Pod, PodStatus } from '@raftsman/api';
import type { Logger } from '@raftsman/telemetry';
import { agentLimits } from '../limits.js';
import type { PodSink } from '../sources.js';

interface Entry {
  pod: Pod;
  desired: PodStatus;
  written: PodStatus | undefined;
  failures: number;
  busy: boolean;
  gone: boolean;
  timer: NodeJS.Timeout | undefined;
  readonly waiters: (() => void)[];
}

/**
 * Writes pods' statuses: only what changed, the newest only, a bounded number at a time, again after a failure. Invariant:
 * an entry whose `desired` differs from `written` is busy, waits in `#ready`, or has a timer.
 */
export class StatusWriter {
  readonly #sink: PodSink;
  readonly #logger: Logger;
  readonly #entries = new Map<string, Entry>();
  readonly #ready = new Set<Entry>();
  #inFlight = 0;
  #closed = false;

  constructor(sink: PodSink, logger: Logger) {
    this.#sink = sink;
    this.#logger = logger;
  }

  set(pod: Pod, status: PodStatus): void {
    if (this.#closed) return;
    const uid = pod.metadata.uid ?? '';
    const entry = this.#entries.get(uid);
    if (entry === undefined) {
      const created: Entry = {
        pod,
        desired: status,
        written: undefined,
        failures: 0,
        busy: false,
        gone: false,
        timer: undefined,
        waiters: [],
      };
      this.#entries.set(uid, created);
      this.#enqueue(created);
      return;
    }
    entry.pod = pod;
    if (isDeepStrictEqual(entry.desired, status)) return;
    entry.desired = status;
    if (!entry.busy && entry.timer === undefined) this.#enqueue(entry);
  }

  /** Somebody else changed what the API has: puts the newest status there again. */
  rewrite(pod: Pod): void {
    const entry = this.#entries.get(pod.metadata.uid ?? '');
    if (entry === undefined) return;
    entry.pod = pod;
    if (entry.busy || entry.timer !== undefined || entry.written !== entry.desired) return;
    entry.written = undefined;
    this.#enqueue(entry);
  }

  /** Resolves once the pod's newest status is in the API, or the pod is not. */
  settled(uid: string): Promise<void> {
    const entry = this.#entries.get(uid);
    if (entry === undefined || entry.gone || entry.written === entry.desired) return Promise.resolve();
    return new Promise((resolve) => entry.waiters.push(resolve));
  }

  forget(uid: string): void {
    const entry = this.#entries.get(uid);
    if (entry === undefined) return;
    clearTimeout(entry.timer);
    this.#ready.delete(entry);
    this.#entries.delete(uid);
    release(entry);
  }

  /** What waits is dropped: the next agent finds out for itself. */
  close(): void {
    this.#closed = true;
    for (const uid of this.#entries.keys()) this.forget(uid);
  }

  #enqueue(entry: Entry): void {
    this.#ready.add(entry);
    this.#pump();
  }

  #pump(): void {
    for (const entry of this.#ready) {
      if (this.#inFlight >= agentLimits.writesInFlightMax) return;
      this.#ready.delete(entry);
      this.#inFlight += 1;
      void this.#write(entry).finally(() => {
        this.#inFlight -= 1;
        this.#pump();
      });
    }
  }

  async #write(entry: Entry): Promise<void> {
    const { pod, desired } = entry;
    entry.busy = true;
    try {
      entry.gone = (await this.#sink.writeStatus(pod, desired)) === 'gone';
      entry.failures = 0;
      entry.written = desired;
    } catch (error) {
      entry.failures += 1;
      this.#logger.warn(
        { err: error, pod: pod.metadata.name, failures: entry.failures },
        'writing a pod status',
      );
    }
    entry.busy = false;
    const uid = pod.metadata.uid ?? '';
    if (this.#entries.get(uid) !== entry) return;
    if (entry.gone || entry.written === entry.desired) release(entry);
    else if (entry.failures === 0) this.#enqueue(entry);
    else this.#retryLater(entry);
  }

  #retryLater(entry: Entry): void {
    const { writeRetryInitialMs, writeRetryMaxMs } = agentLimits;
    const delayMs = Math.min(writeRetryMaxMs, writeRetryInitialMs * 2 ** Math.min(entry.failures - 1, 16));
    entry.timer = setTimeout(() => {
      entry.timer = undefined;
      this.#enqueue(entry);
    }, delayMs);
  }
}

function release(entry: Entry): void {
  for (const waiter of entry.waiters.splice(0)) waiter();
}
