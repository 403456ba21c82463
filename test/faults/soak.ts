import { createWriteStream, mkdirSync, rmSync, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  emptyStore,
  FaultLedger,
  Recorder,
  sameKeyValue,
  type KvInput,
  type KvOutput,
  type PutOutput,
  type RangeOutput,
} from '@raftsman/faults';
import { Random } from '../simulation/random.js';
import { connect, isReady, reasonOf, type Connection } from './client.js';
import { disarm, hashKv, leadingMember, type MemberHash } from './cluster.js';
import { Judge, type Evidence, type Judgement } from './judge.js';
import { startMembers, type Members } from './members.js';
import { disturb, faultKinds, type FaultKind, type Scene } from './nemesis.js';
import { Recording } from './recording.js';
import { Run } from './run.js';
import { client, compact, perform } from './traffic.js';
import { allKeys, Observer, watchAround } from './watching.js';
import { sendRange } from './wire.js';

export interface SoakOptions {
  readonly seed: number;
  readonly durationMs: number;
  /** The cluster is healed, and judged, after each of these. */
  readonly phaseMs: number;
  /** For what is to be kept of a run that failed. */
  readonly directory: string;
  readonly tell: (line: string) => void;
  /** Ends the run early, healed and judged. */
  readonly signal?: AbortSignal;
  /** Default: all that this machine can. */
  readonly faults?: readonly FaultKind[];
  /** Beyond those that the seed chooses. */
  readonly flags?: readonly string[];
  readonly preloads?: readonly string[];
  readonly clients?: number;
  readonly watchers?: number;
  /** Operations per second of all clients together. */
  readonly operationsPerSecond?: number;
  /** The run ends after the phase that brings it to that. Default: 50 anomalies. */
  readonly isEnough?: (anomalies: readonly string[]) => boolean;
}

export interface SoakReport {
  readonly anomalies: readonly string[];
  readonly phases: number;
  readonly revisions: number;
  readonly faults: number;
  readonly counts: ReadonlyMap<string, number>;
  /** From the last heal of each phase to a write that every member answered. */
  readonly recoveryMs: readonly number[];
  readonly directory: string;
  /** The phases whose files were left in `directory`, to be judged again; the last is the one that ended the run, if any did. */
  readonly kept: readonly number[];
}

const soakLimits = {
  recoveryMsMax: 60_000,
  /** Of a run that is not void: less traffic shows nothing. */
  answeredPerPhaseMin: 50,
  anomaliesMax: 50,
  /** Those of the last phase still matter to the next one's watches. */
  compactionsKept: 1_000,
} as const;

/** Runs real members under traffic and faults, phase by phase, and judges what was recorded. Everything is healed and removed in the end, whatever happens. */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  rmSync(options.directory, { recursive: true, force: true });
  mkdirSync(options.directory, { recursive: true });
  const random = new Random(options.seed);
  const members = await startMembers({
    directory: options.directory,
    flags: [...seededFlags(random), ...(options.flags ?? [])],
    preloads: options.preloads ?? [],
  });
  const ledger = new FaultLedger();
  // Whatever ends this process, nothing of the run outlives it.
  const atExit = (): void => members.stopNow();
  process.once('exit', atExit);
  const soaking = new Soak(options, random, members, ledger);
  try {
    await soaking.run();
  } catch (error) {
    soaking.brokeOff(error);
  } finally {
    await ledger.close().catch((error: unknown) => options.tell(`healing: ${reasonOf(error)}`));
    await soaking.close();
    await members.stop();
    process.off('exit', atExit);
  }
  return soaking.report();
}

/** Small bounds bring snapshots and compactions of the log into each minute; timing as different as etcd's own robustness tests choose it. */
function seededFlags(random: Random): readonly string[] {
  const [heartbeatMs, electionMs] = random.pick([
    [29, 271],
    [101, 521],
    [100, 1_000],
  ] as const);
  return [
    `--heartbeat-interval=${heartbeatMs}`,
    `--election-timeout=${electionMs}`,
    `--snapshot-count=${random.pick([50, 100, 1_000])}`,
    `--snapshot-catchup-entries=${random.pick([20, 100])}`,
    '--watch-progress-notify-interval=200ms',
  ];
}

class Soak {
  readonly #options: SoakOptions;
  readonly #run: Run;
  readonly #members: Members;
  readonly #ledger: FaultLedger;
  readonly #connections: readonly Connection[];
  readonly #observers: readonly Observer[];
  readonly #judge: Judge;
  readonly #scene: Scene;
  readonly #startMs = performance.now();
  readonly #timeline: WriteStream;
  readonly #recording: Recording;
  readonly #recoveryMs: number[] = [];
  #phase = 0;
  #revisions = 0;

  constructor(options: SoakOptions, random: Random, members: Members, ledger: FaultLedger) {
    this.#options = options;
    this.#members = members;
    this.#ledger = ledger;
    this.#timeline = createWriteStream(join(options.directory, 'timeline.txt'));
    this.#connections = members.all.map(connect);
    this.#recording = new Recording(options.directory);
    const recorder = new Recorder<KvInput, KvOutput>(
      () => performance.now(),
      (event) => this.#recording.write(event),
    );
    this.#run = new Run({ random, members, connections: this.#connections, recorder });
    this.#judge = new Judge(this.#run.truth, this.#run.leases, emptyStore);
    this.#scene = {
      members,
      random,
      fullDisks: new Set(),
      leader: () => leadingMember(this.#connections),
    };
    members.onUnexpectedEnd = (member, how) => this.anomaly(`${member.name} died: ${how}`);
    this.#observers = members.all.map((member) => new Observer(this.#run, member));
  }

  async run(): Promise<void> {
    const { durationMs, phaseMs, signal } = this.#options;
    this.#tell(
      `seed ${this.#options.seed}, ${this.#members.machines.areApart ? 'members in network namespaces' : 'members on loopback: no cut links, no full disks (they need root)'}`,
    );
    // What brings the members up is recorded as of the first phase.
    this.#recording.begin(1);
    await this.#recovered();
    const untilMs = performance.now() + durationMs;
    while (performance.now() < untilMs && signal?.aborted !== true && !this.#isHopeless()) {
      this.#phase += 1;
      if (this.#phase > 1) this.#recording.begin(this.#phase);
      await this.#disturbedPhase(Math.min(phaseMs, untilMs - performance.now()));
      await this.#quietEnd();
    }
  }

  /** After `run` rejected: the present phase is kept as far as it came, and judged up to the revision until which everything is known. */
  brokeOff(error: unknown): void {
    this.anomaly(`the run broke off: ${error instanceof Error ? error.stack : String(error)}`);
    if (this.#recording.isKept) return;
    const { truth } = this.#run;
    let endRevision = this.#judge.state.revision;
    while (truth.events(endRevision + 1) !== null) endRevision += 1;
    this.#judged(this.#takeEvidence(endRevision, reasonOf(error)));
  }

  report(): SoakReport {
    return {
      anomalies: this.#run.anomalies,
      phases: this.#phase,
      revisions: this.#revisions,
      faults: this.#ledger.list().length,
      counts: this.#run.counts,
      recoveryMs: this.#recoveryMs,
      directory: this.#options.directory,
      kept: this.#recording.kept,
    };
  }

  async close(): Promise<void> {
    await Promise.all(this.#observers.map((observer) => observer.stop()));
    for (const connection of this.#connections) connection.close();
    await this.#recording.end(this.#run.anomalies.length === 0);
    await new Promise((resolve) => this.#timeline.end(resolve));
  }

  /** Traffic and faults for so long; then no faults, then no traffic. */
  async #disturbedPhase(lengthMs: number): Promise<void> {
    const {
      faults = faultKinds,
      clients = 8,
      watchers = 8,
      operationsPerSecond = 120,
      signal,
    } = this.#options;
    const run = this.#run;
    run.prefix = `s/${this.#phase}/`;
    const [traffic, trouble] = [new AbortController(), new AbortController()];
    const kinds = faults.filter(({ needsMachines }) => !needsMachines || this.#members.machines.areApart);
    const everyMs = (clients * 1_000) / operationsPerSecond;
    const busy = [
      ...Array.from({ length: clients }, (_, i) => client(run, i, everyMs, traffic.signal)),
      ...Array.from({ length: watchers }, () => watchAround(run, traffic.signal)),
      compact(run, traffic.signal),
      this.#operate(traffic.signal),
    ];
    const troubled = disturb(this.#scene, this.#ledger, kinds, (what) => this.#tell(what), trouble.signal);
    try {
      await Promise.race([sleep(lengthMs), aborted(signal), ...busy, troubled]);
      trouble.abort();
      await troubled;
      await this.#ledger.healAll();
      await this.#recovered();
      // Healthy traffic too, before the end of the phase.
      await sleep(500);
    } finally {
      trouble.abort();
      traffic.abort();
      await Promise.allSettled([...busy, troubled]);
    }
    await Promise.all(busy);
  }

  /** Takes back the alarms that full disks left, as an operator who has made room. */
  async #operate(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(500, undefined, { signal }).catch(() => undefined);
      const connection = this.#run.random.pick(this.#connections);
      if (this.#scene.fullDisks.size > 0 || !(await isReady(connection, 500))) continue;
      // Not now: there is no leader, or the member is paused.
      await disarm(connection).catch(() => undefined);
    }
  }

  /** A write on every member, within a bounded time. */
  async #recovered(): Promise<void> {
    const startMs = performance.now();
    const run = this.#run;
    for (const connection of this.#connections) {
      const key = `s/recovery/${connection.member.name}`;
      for (;;) {
        await connection.member.start();
        if (await isReady(connection, 500)) {
          await disarm(connection).catch(() => undefined);
          const input = { op: 'put', key, value: run.uniqueValue(100 + connection.member.index) } as const;
          const written = await perform<PutOutput>(
            { run, process: 100 + connection.member.index },
            connection,
            input,
            2_000,
          );
          if (written !== undefined) break;
        }
        if (performance.now() - startMs > soakLimits.recoveryMsMax)
          throw new Error(
            `${connection.member.name} takes no write ${soakLimits.recoveryMsMax} ms after all was healed`,
          );
      }
    }
    this.#recoveryMs.push(performance.now() - startMs);
  }

  /** Everybody is brought to one revision; what was recorded up to it is judged. */
  async #quietEnd(): Promise<void> {
    const run = this.#run;
    const read = await this.#readAll();
    await this.#until(`the observers reach revision ${read.revision}`, async () => {
      for (const observer of this.#observers) observer.requestProgress();
      return this.#observers.every((observer) => observer.told >= read.revision);
    });
    const evidence = this.#takeEvidence(read.revision, null);
    const { operations, watches, staleReads } = evidence;
    const judgement = this.#judged(evidence);
    const answered = operations.filter(({ outcome }) => outcome.kind === 'ok').length;
    if (answered < soakLimits.answeredPerPhaseMin)
      this.anomaly(`void: only ${answered} operations were answered`);
    if (!judgement.isUndecided) await this.#compareMembers(read);
    this.#tell(
      `phase ${this.#phase}: ${operations.length} operations (${answered} answered), ${watches.length} watches, ${staleReads.length} stale reads, revision ${read.revision}, judged in ${Math.round(judgement.checkMs)} ms: ${this.#run.anomalies.length === 0 ? 'no anomaly' : `${this.#run.anomalies.length} ANOMALIES`}`,
    );
    await this.#recording.end(run.anomalies.length === 0);
    run.compactions.splice(0, run.compactions.length - soakLimits.compactionsKept);
  }

  /** All that was recorded since the last time. */
  #takeEvidence(endRevision: number, brokeOff: string | null): Evidence {
    const run = this.#run;
    for (const observer of this.#observers) observer.cut();
    const { staleReads, watches } = run;
    [run.staleReads, run.watches] = [[], []];
    const operations = run.recorder.take();
    return { operations, staleReads, watches, compactions: [...run.compactions], endRevision, brokeOff };
  }

  #judged(evidence: Evidence): Judgement {
    // First, so that nothing is missing if judging fails.
    this.#recording.keep(this.#judge, this.#run.leases, evidence);
    const judgement = this.#judge.judge(evidence);
    for (const anomaly of judgement.anomalies) this.anomaly(anomaly);
    if (judgement.isUndecided) this.anomaly('the checker did not decide');
    this.#revisions += judgement.revisions;
    return judgement;
  }

  async #readAll(): Promise<RangeOutput> {
    const input = { op: 'range', ...allKeys } as const;
    let read: RangeOutput | undefined;
    await this.#until('a read of everything', async () => {
      const connection = this.#run.random.pick(this.#connections);
      read = await perform<RangeOutput>({ run: this.#run, process: 110 }, connection, input, 5_000);
      return read !== undefined;
    });
    return read!;
  }

  /** All members hold the same, and it is what the replayed sequence says. */
  async #compareMembers({ revision }: RangeOutput): Promise<void> {
    const expected = this.#judge.state;
    let hashes: readonly MemberHash[] = [];
    await this.#until(`all members have the same hash at revision ${revision}`, async () => {
      hashes = await Promise.all(this.#connections.map((connection) => hashKv(connection, revision)));
      const [first] = hashes;
      return hashes.every(
        (one) => one.hash === first!.hash && one.compactRevision === first!.compactRevision,
      );
    }).catch(() => this.anomaly(`members differ: ${JSON.stringify(hashes)}`));
    for (const connection of this.#connections) {
      const options = { revision, serializable: true };
      let kvs: RangeOutput['kvs'] = [];
      await this.#until(`${connection.member.name} shows what it holds`, async () => {
        ({ kvs } = await sendRange(connection, { op: 'range', ...allKeys }, options, 5_000));
        return true;
      });
      const isSame =
        kvs.length === expected.keys.size &&
        kvs.every((kv) => {
          const known = expected.keys.get(kv.key);
          return known !== undefined && sameKeyValue(kv, known);
        });
      if (!isSame)
        this.anomaly(
          `${connection.member.name} holds something else at revision ${revision} than what happened`,
        );
    }
    const late = [...expected.keys.values()].filter(({ lease }) =>
      this.#run.leases.isOver(lease, performance.now(), 30_000),
    );
    if (late.length > 0) this.anomaly(`leases that should be over still hold ${JSON.stringify(late)}`);
  }

  async #until(what: string, isTrue: () => Promise<boolean>): Promise<void> {
    const deadlineMs = performance.now() + soakLimits.recoveryMsMax;
    for (;;) {
      const reason = await isTrue().then((value) => (value ? null : 'not yet'), reasonOf);
      if (reason === null) return;
      if (performance.now() > deadlineMs) throw new Error(`waited too long until ${what}: ${reason}`);
      await sleep(50);
    }
  }

  #isHopeless(): boolean {
    const { isEnough = ({ length }) => length >= soakLimits.anomaliesMax } = this.#options;
    return isEnough(this.#run.anomalies);
  }

  anomaly(what: string): void {
    this.#run.anomaly(what);
    this.#tell(`ANOMALY ${what.slice(0, 2_000)}`);
  }

  #tell(what: string): void {
    const line = `${((performance.now() - this.#startMs) / 1_000).toFixed(2).padStart(8)} s  ${what}`;
    this.#timeline.write(`${line}\n`);
    this.#options.tell(line);
  }
}

function aborted(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal === undefined) return;
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
