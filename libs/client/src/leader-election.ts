import { ApiError } from '@raftsman/api';
import type { Logger } from '@raftsman/telemetry';
import type { ApiClient } from './api-client.js';
import { createAlarm, shared, sleep, systemClock, type Alarm, type Clock } from './clock.js';
import { isAlreadyExists, isConflict, isNotFound } from './errors.js';
import { createHolderSilence } from './holder-silence.js';
import { createInformer, type Change, type Informer } from './informer.js';
import { acquired, freeAtMs, released, renewed, type LeaseSpec } from './lease-record.js';
import { clientLimits } from './limits.js';
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

/**
 * How candidates hear of the holder beside the Lease: cheap, not stored, and free to lose what it carries. It decides when a
 * candidate tries, never who wins: that is the conditional write of the Lease.
 */
export interface LeaderBeats {
  /** The holder's sign of life; dropped while the link is down. `sequence` grows with every one of this process. */
  send(beat: { readonly holder: string; readonly sequence: number }): void;
  /** Whether the link is known to work, within about a second. */
  healthy(): boolean;
  /** Calls back for what is heard, ours too; answers what ends it. */
  onBeat(handler: (beat: { readonly holder: string; readonly sequence: number }) => void): () => void;
}

export interface LeaderElectionOptions {
  readonly config: LeaderElectionConfig;
  readonly client: ApiClient;
  readonly logger: Logger;
  readonly clock?: Clock;
  /** What only the leader does. Must end soon after its signal aborts; a rejection ends the election. */
  readonly work: (signal: AbortSignal) => Promise<void>;
  /**
   * With beats the Lease is renewed every 10 s and lasts 15 s while they work, and a holder that falls silent is replaced after 3 s.
   * Without, and while they do not work, the timings of `config` hold.
   */
  readonly beats?: LeaderBeats | undefined;
}

type Timings = Pick<LeaderElectionConfig, 'leaseDurationMs' | 'renewDeadlineMs' | 'retryPeriodMs'>;

const beatingTimings: Timings = {
  leaseDurationMs: clientLimits.beatingLeaseDurationMs,
  renewDeadlineMs: clientLimits.beatingRenewDeadlineMs,
  retryPeriodMs: clientLimits.beatingRetryPeriodMs,
};

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

/** What is held: the Lease as it was written last. */
interface Held {
  readonly lease: Stored<Lease>;
  /** When the write that took or renewed it was begun. */
  readonly sinceMs: number;
  /** What that write promised. */
  readonly timings: Timings;
}

/** From taking the Lease to its loss or release. */
interface Term {
  held: Held;
  /** The last renewal failed: somebody who reaches the API may do better, so no signs of life are given. */
  failing: boolean;
  /** Somebody else holds the Lease. */
  replaced: boolean;
  readonly end: AbortController;
  /** Rings for a renewal before its time. */
  readonly renewal: Alarm;
}

class Election {
  readonly #config: LeaderElectionConfig;
  readonly #leases: ResourceClient<Lease>;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #work: (signal: AbortSignal) => Promise<void>;
  readonly #beats: LeaderBeats | undefined;
  /** Of the last beat sent. */
  #sequence = 0;
  /** Has not led yet. */
  #newcomer = true;

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
    this.#beats = options.beats;
  }

  get #ref(): ObjectRef {
    return { namespace: this.#config.leaseNamespace, name: this.#config.leaseName };
  }

  #informer(): Informer<Lease> {
    return createInformer({
      client: this.#leases,
      namespace: this.#config.leaseNamespace,
      fieldSelector: `metadata.name=${this.#config.leaseName}`,
      logger: this.#logger,
      clock: this.#clock,
    });
  }

  /** Waits for the Lease and takes it; undefined if `signal` aborts before. */
  async acquire(signal: AbortSignal): Promise<Held | undefined> {
    const watching = new AbortController();
    const alarm = createAlarm(this.#clock);
    const silence = createHolderSilence(this.#clock.monotonicMs(), this.#newcomer);
    const informer = this.#informer();
    let observedAtMs = this.#clock.monotonicMs();
    signal.addEventListener('abort', alarm.ring, { once: true });
    informer.onChange(({ after }) => {
      observedAtMs = this.#clock.monotonicMs();
      silence.leaseSeen(after?.spec?.holderIdentity ?? '', observedAtMs);
      if (after !== undefined) this.#logger.debug({ holder: after.spec?.holderIdentity }, 'leader observed');
      alarm.ring();
    });
    const stopListening = this.#beats?.onBeat(({ holder, sequence }) =>
      silence.beatHeard(holder, sequence, this.#clock.monotonicMs()),
    );
    const running = informer.run(AbortSignal.any([signal, watching.signal]));
    const isSilent = (): boolean =>
      this.#beats !== undefined && silence.evaluate(this.#clock.monotonicMs(), this.#beats.healthy());
    try {
      await informer.waitForSync(signal);
      while (!signal.aborted) {
        const seen = informer.get(`${this.#config.leaseNamespace}/${this.#config.leaseName}`);
        const dueMs = seen === undefined ? 0 : freeAtMs(seen.spec ?? {}, observedAtMs, this.#config.identity);
        const silent = isSilent();
        if (silent || this.#clock.monotonicMs() >= dueMs) {
          const held = await this.#take(seen, silent);
          if (held !== undefined) return held;
        }
        await alarm.rest(this.#pauseMs(dueMs));
      }
      return undefined;
    } finally {
      stopListening?.();
      signal.removeEventListener('abort', alarm.ring);
      watching.abort();
      await running;
    }
  }

  /** Until a candidate looks again. */
  #pauseMs(dueMs: number): number {
    const pauseMs = Math.max(hurryMs, dueMs - this.#clock.monotonicMs());
    return this.#beats === undefined ? pauseMs : Math.min(pauseMs, clientLimits.leaderBeatIntervalMs);
  }

  async #take(seen: Stored<Lease> | undefined, silent: boolean): Promise<Held | undefined> {
    const { leaseNamespace, leaseName, identity, leaseDurationMs } = this.#config;
    const sinceMs = this.#clock.monotonicMs();
    const before = seen === undefined ? undefined : (seen.spec ?? {});
    const spec = acquired(before, identity, leaseDurationMs, this.#clock.wallMs());
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
      this.#logger.info(
        { identity, transitions: spec.leaseTransitions, silent: silent ? before?.holderIdentity : undefined },
        'became leader',
      );
      return { lease, sinceMs, timings: this.#config };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const lostRace = isConflict(error) || isAlreadyExists(error);
      if (!lostRace) this.#logger.warn({ err: error }, 'could not take the lease, again');
      return undefined;
    }
  }

  /** Works and renews until the term ends: by `signal` (then the Lease is released), by loss, or because the work ended. */
  async lead(held: Held, signal: AbortSignal): Promise<void> {
    this.#newcomer = false;
    const end = new AbortController();
    shared(end.signal);
    const renewal = createAlarm(this.#clock);
    end.signal.addEventListener('abort', renewal.ring, { once: true });
    const term: Term = { held, failing: false, replaced: false, end, renewal };
    // Not stopped by `signal`: the Lease is kept alive until the work has ended.
    const renewing = this.#renewUntilLost(term).finally(() => end.abort());
    const beating = this.#beats === undefined ? [] : [this.#beat(term, this.#beats), this.#watch(term)];
    try {
      await this.#work(shared(AbortSignal.any([signal, end.signal])));
    } finally {
      end.abort();
      const last = await renewing;
      await Promise.all(beating);
      if (last !== undefined) await this.#release(last);
    }
  }

  /** Gives signs of life. Whenever they may not be heard, the Lease has to speak. */
  async #beat(term: Term, beats: LeaderBeats): Promise<void> {
    let lookedMs = this.#clock.monotonicMs();
    while (!term.end.signal.aborted) {
      const nowMs = this.#clock.monotonicMs();
      this.#sequence += 1;
      if (!term.failing) beats.send({ holder: this.#config.identity, sequence: this.#sequence });
      const stoodStill = nowMs - lookedMs > clientLimits.leaderStallMs;
      const unheard = !beats.healthy() && term.held.timings === beatingTimings;
      if (stoodStill || (unheard && !term.failing)) term.renewal.ring();
      lookedMs = nowMs;
      await sleep(this.#clock, clientLimits.leaderBeatIntervalMs, term.end.signal);
    }
  }

  /** Ends the term as soon as the Lease is seen in other hands; its view may be older than our own write. */
  async #watch(term: Term): Promise<void> {
    const informer = this.#informer();
    const ours = term.held.lease.spec?.leaseTransitions ?? 0;
    informer.onChange(({ after }: Change<Lease>) => {
      if (after?.spec?.holderIdentity === this.#config.identity) return;
      if ((after?.spec?.leaseTransitions ?? 0) > ours && !term.end.signal.aborted) {
        term.replaced = true;
        this.#logger.error({ holder: after?.spec?.holderIdentity }, 'replaced as leader: stopping the work');
        term.end.abort();
      }
      term.renewal.ring();
    });
    await informer.run(term.end.signal);
  }

  /** Answers the last version that is ours, or undefined once the Lease is lost. */
  async #renewUntilLost(term: Term): Promise<Stored<Lease> | undefined> {
    for (;;) {
      const { sinceMs, timings } = term.held;
      const deadlineMs = sinceMs + timings.renewDeadlineMs;
      const pauseMs = term.failing ? Math.min(hurryMs, timings.retryPeriodMs) : timings.retryPeriodMs;
      await term.renewal.rest(Math.min(pauseMs, deadlineMs - this.#clock.monotonicMs()));
      if (term.end.signal.aborted) return term.replaced ? undefined : term.held.lease;
      const startedMs = this.#clock.monotonicMs();
      const next = this.#beats?.healthy() === true ? beatingTimings : this.#config;
      const outcome =
        startedMs >= deadlineMs
          ? 'late'
          : await this.#renewWithin(term.held.lease, next, deadlineMs - startedMs);
      if (outcome === 'lost' || outcome === 'late') {
        this.#logger.error({ outcome }, 'leadership lost: stopping the work');
        return undefined;
      }
      term.failing = outcome === 'failed';
      if (outcome !== 'failed') term.held = { lease: outcome, sinceMs: startedMs, timings: next };
    }
  }

  async #renewWithin(
    lease: Stored<Lease>,
    timings: Timings,
    timeoutMs: number,
  ): Promise<Stored<Lease> | 'lost' | 'failed' | 'late'> {
    const finished = new AbortController();
    const late = sleep(this.#clock, timeoutMs, finished.signal).then(() => 'late' as const);
    const outcome = await Promise.race([this.#renew(lease, timings), late]);
    finished.abort();
    return outcome;
  }

  async #renew(lease: Stored<Lease>, timings: Timings): Promise<Stored<Lease> | 'lost' | 'failed'> {
    const spec = renewed(lease.spec ?? {}, timings.leaseDurationMs, this.#clock.wallMs());
    try {
      return await this.#leases.update({ ...lease, spec });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (isConflict(error) || isNotFound(error)) return this.#renewFromLive(timings);
      this.#logger.warn({ err: error }, 'could not renew the lease, again');
      return 'failed';
    }
  }

  /** Somebody else wrote: a person, our own earlier try whose answer was lost, or the next leader. */
  async #renewFromLive(timings: Timings): Promise<Stored<Lease> | 'lost' | 'failed'> {
    try {
      const live = await this.#leases.get(this.#ref);
      if (live.spec?.holderIdentity !== this.#config.identity) return 'lost';
      const spec = renewed(live.spec, timings.leaseDurationMs, this.#clock.wallMs());
      return await this.#leases.update({ ...live, spec });
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
