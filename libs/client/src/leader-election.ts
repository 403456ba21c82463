import { ApiError } from '@raftsman/api';
import type { Logger } from '@raftsman/telemetry';
import type { ApiClient } from './api-client.js';
import { shared, sleep, systemClock, type Clock } from './clock.js';
import { isAlreadyExists, isConflict, isNotFound } from './errors.js';
import { createInformer } from './informer.js';
import { acquired, freeAtMs, released, renewed, type LeaseSpec } from './lease-record.js';
import type { ResourceClient } from './resource-client.js';
import type { ObjectLike, ObjectRef, ResourceType, Stored } from './types.js';

export interface LeaderElectionConfig {
  readonly leaseNamespace: string;
  readonly leaseName: string;
  /** Unique to this process: "host_random". */
  readonly identity: string;
  /** A leader that was not heard of for this long is replaced. Written in whole seconds, rounded up. */
  readonly leaseDurationMs: number;
  /** A leader that could not renew for this long stops its work. Shorter than leaseDurationMs. */
  readonly renewDeadlineMs: number;
  /** Pause between two renewals. Well below renewDeadlineMs. */
  readonly retryPeriodMs: number;
}

export interface LeaderElectionOptions {
  readonly config: LeaderElectionConfig;
  readonly client: ApiClient;
  readonly logger: Logger;
  readonly clock?: Clock;
  /** What only the leader does. Must end soon after its signal aborts; a rejection ends the election. */
  readonly work: (signal: AbortSignal) => Promise<void>;
}

type Lease = ObjectLike & { spec?: LeaseSpec | undefined };

const leaseResource: ResourceType = {
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
};

/** After a failed renewal or acquisition: soon again, since a store that elects a new leader is back within a second. */
const hurryMs = 250;

/** Throws RangeError unless leaseDuration > renewDeadline > 1.2 · retryPeriod, as client-go demands. */
export function validateLeaderElection(config: LeaderElectionConfig): void {
  const { leaseDurationMs, renewDeadlineMs, retryPeriodMs } = config;
  if (leaseDurationMs <= renewDeadlineMs) {
    throw new RangeError('--leader-elect-lease-duration must be greater than --leader-elect-renew-deadline');
  }
  if (renewDeadlineMs <= 1.2 * retryPeriodMs || retryPeriodMs <= 0) {
    throw new RangeError(
      '--leader-elect-renew-deadline must be greater than 1.2 × --leader-elect-retry-period',
    );
  }
}

/**
 * Runs `work` whenever this process holds the Lease, until `signal` aborts. Candidates watch the Lease instead of polling it, and
 * try when their own clock says that it ran out; the write is conditional on the version they saw, so that two can never both win.
 */
export async function runLeaderElected(options: LeaderElectionOptions, signal: AbortSignal): Promise<void> {
  validateLeaderElection(options.config);
  const election = new Election(options);
  while (!signal.aborted) {
    const lease = await election.acquire(signal);
    if (lease === undefined) return;
    await election.lead(lease, signal);
  }
}

interface Held {
  readonly lease: Stored<Lease>;
  /** When the write that took or renewed it was begun. */
  readonly sinceMs: number;
}

class Election {
  readonly #config: LeaderElectionConfig;
  readonly #leases: ResourceClient<Lease>;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #work: (signal: AbortSignal) => Promise<void>;

  constructor(options: LeaderElectionOptions) {
    this.#config = options.config;
    this.#leases = options.client
      .withTimeouts({
        attemptTimeoutMs: options.config.renewDeadlineMs / 3,
        callTimeoutMs: options.config.renewDeadlineMs,
      })
      .of<Lease>(leaseResource);
    this.#logger = options.logger.child({ lease: options.config.leaseName });
    this.#clock = options.clock ?? systemClock;
    this.#work = options.work;
  }

  get #ref(): ObjectRef {
    return { namespace: this.#config.leaseNamespace, name: this.#config.leaseName };
  }

  /** Waits for the Lease and takes it; undefined if `signal` aborts before. */
  async acquire(signal: AbortSignal): Promise<Held | undefined> {
    const { leaseNamespace, leaseName, identity } = this.#config;
    const watching = new AbortController();
    const stop = AbortSignal.any([signal, watching.signal]);
    const informer = createInformer({
      client: this.#leases,
      namespace: leaseNamespace,
      fieldSelector: `metadata.name=${leaseName}`,
      logger: this.#logger,
      clock: this.#clock,
    });
    let observedAtMs = this.#clock.monotonicMs();
    let wake = (): void => {};
    const wakeUp = (): void => wake();
    signal.addEventListener('abort', wakeUp, { once: true });
    informer.onChange(({ after }) => {
      observedAtMs = this.#clock.monotonicMs();
      if (after !== undefined) this.#logger.debug({ holder: after.spec?.holderIdentity }, 'leader observed');
      wake();
    });
    const running = informer.run(stop);
    try {
      await informer.waitForSync(signal);
      while (!signal.aborted) {
        const seen = informer.get(`${leaseNamespace}/${leaseName}`);
        const dueMs = seen === undefined ? 0 : freeAtMs(seen.spec ?? {}, observedAtMs, identity);
        if (this.#clock.monotonicMs() >= dueMs) {
          const held = await this.#take(seen);
          if (held !== undefined) return held;
        }
        const pauseMs = Math.max(hurryMs, dueMs - this.#clock.monotonicMs());
        await new Promise<void>((resolve) => {
          const cancel = this.#clock.after(pauseMs, resolve);
          wake = () => {
            cancel();
            resolve();
          };
        });
      }
      return undefined;
    } finally {
      signal.removeEventListener('abort', wakeUp);
      watching.abort();
      await running;
    }
  }

  async #take(seen: Stored<Lease> | undefined): Promise<Held | undefined> {
    const { leaseNamespace, leaseName, identity, leaseDurationMs } = this.#config;
    const sinceMs = this.#clock.monotonicMs();
    const spec = acquired(
      seen === undefined ? undefined : (seen.spec ?? {}),
      identity,
      leaseDurationMs,
      this.#clock.wallMs(),
    );
    try {
      const lease =
        seen === undefined
          ? await this.#leases.create({
              apiVersion: 'coordination.k8s.io/v1',
              kind: 'Lease',
              metadata: { namespace: leaseNamespace, name: leaseName },
              spec,
            })
          : await this.#leases.update({ ...seen, spec });
      this.#logger.info({ identity, transitions: spec.leaseTransitions }, 'became leader');
      return { lease, sinceMs };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const lostRace = isConflict(error) || isAlreadyExists(error);
      if (!lostRace) this.#logger.warn({ err: error }, 'could not take the lease, again');
      return undefined;
    }
  }

  /** Works and renews until the term ends: by `signal` (then the Lease is released), by loss, or because the work ended. */
  async lead(held: Held, signal: AbortSignal): Promise<void> {
    const term = new AbortController();
    shared(term.signal);
    // Not stopped by `signal`: the Lease is kept alive until the work has ended.
    const renewing = this.#renewUntilLost(held, term.signal).finally(() => term.abort());
    try {
      await this.#work(shared(AbortSignal.any([signal, term.signal])));
    } finally {
      term.abort();
      const last = await renewing;
      if (last !== undefined) await this.#release(last);
    }
  }

  /** Answers the last version that is ours, or undefined once the Lease is lost. */
  async #renewUntilLost(held: Held, stop: AbortSignal): Promise<Stored<Lease> | undefined> {
    let { lease, sinceMs } = held;
    let pauseMs = this.#config.retryPeriodMs;
    for (;;) {
      const deadlineMs = sinceMs + this.#config.renewDeadlineMs;
      await sleep(this.#clock, Math.min(pauseMs, deadlineMs - this.#clock.monotonicMs()), stop);
      if (stop.aborted) return lease;
      const startedMs = this.#clock.monotonicMs();
      const outcome =
        startedMs >= deadlineMs ? 'late' : await this.#renewWithin(lease, deadlineMs - startedMs);
      if (outcome === 'lost' || outcome === 'late') {
        this.#logger.error({ outcome }, 'leadership lost: stopping the work');
        return undefined;
      }
      if (outcome === 'failed') {
        pauseMs = Math.min(hurryMs, this.#config.retryPeriodMs);
      } else {
        lease = outcome;
        sinceMs = startedMs;
        pauseMs = this.#config.retryPeriodMs;
      }
    }
  }

  async #renewWithin(
    lease: Stored<Lease>,
    timeoutMs: number,
  ): Promise<Stored<Lease> | 'lost' | 'failed' | 'late'> {
    const finished = new AbortController();
    const late = sleep(this.#clock, timeoutMs, finished.signal).then(() => 'late' as const);
    const outcome = await Promise.race([this.#renew(lease), late]);
    finished.abort();
    return outcome;
  }

  async #renew(lease: Stored<Lease>): Promise<Stored<Lease> | 'lost' | 'failed'> {
    try {
      return await this.#leases.update({ ...lease, spec: renewed(lease.spec ?? {}, this.#clock.wallMs()) });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (isConflict(error) || isNotFound(error)) return this.#renewFromLive();
      this.#logger.warn({ err: error }, 'could not renew the lease, again');
      return 'failed';
    }
  }

  /** Somebody else wrote: a person, our own earlier try whose answer was lost, or the next leader. */
  async #renewFromLive(): Promise<Stored<Lease> | 'lost' | 'failed'> {
    try {
      const live = await this.#leases.get(this.#ref);
      if (live.spec?.holderIdentity !== this.#config.identity) return 'lost';
      return await this.#leases.update({ ...live, spec: renewed(live.spec, this.#clock.wallMs()) });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return isNotFound(error) ? 'lost' : 'failed';
    }
  }

  async #release(lease: Stored<Lease>): Promise<void> {
    try {
      await this.#leases.update({ ...lease, spec: released(lease.spec ?? {}, this.#clock.wallMs()) });
      this.#logger.info('lease released');
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#logger.warn(
        { err: error },
        'could not release the lease: the next leader has to wait for it to run out',
      );
    }
  }
}
