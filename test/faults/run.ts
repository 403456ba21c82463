import type { Compaction, KvInput, KvOutput, Recorder, WatchRecord } from '@raftsman/faults';
import type { Random } from '../simulation/random.js';
import type { Connection } from './client.js';
import { LeaseBook } from './leases.js';
import type { Member, Members } from './members.js';
import { Truth } from './truth.js';
import type { StaleRead } from './stale-reads.js';

/** What all clients of one run share. */
export class Run {
  readonly random: Random;
  readonly members: Members;
  readonly recorder: Recorder<KvInput, KvOutput>;
  readonly truth = new Truth();
  readonly leases = new LeaseBook();
  staleReads: StaleRead[] = [];
  watches: WatchRecord[] = [];
  readonly compactions: Compaction[] = [];
  readonly counts = new Map<string, number>();
  readonly anomalies: string[] = [];
  /** All keys of the present phase begin with it. */
  prefix = '';
  readonly #connections: readonly Connection[];
  readonly #newest = new Map<string, number>();
  #values = 0;

  constructor(options: {
    readonly random: Random;
    readonly members: Members;
    readonly connections: readonly Connection[];
    readonly recorder: Recorder<KvInput, KvOutput>;
  }) {
    this.random = options.random;
    this.members = options.members;
    this.recorder = options.recorder;
    this.#connections = options.connections;
  }

  /** Milliseconds of the monotonic clock by which everything is recorded. */
  readonly now = (): number => performance.now();

  connection(member: Member): Connection {
    return this.#connections[member.index]!;
  }

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  anomaly(what: string): void {
    this.anomalies.push(what);
  }

  /** Never the same again, in no run: a value is its write's name. */
  uniqueValue(process: number): string {
    this.#values += 1;
    return `${process}.${this.#values}`;
  }

  /**
   * For answers of one member: call it before the request leaves, and what it answers with the answer's revision. In one life of a member an answer
   * is never older than one that came before it was asked for.
   */
  readonly expectProgress = (member: Member): ((revision: number) => void) => {
    const { life, name } = member;
    const key = `${name}/${life}`;
    const floor = this.#newest.get(key) ?? 0;
    return (revision) => {
      if (member.life !== life) return;
      if (revision < floor) this.anomaly(`${name} answered with revision ${revision} after ${floor}`);
      this.#newest.set(key, Math.max(this.#newest.get(key) ?? 0, revision));
    };
  };
}
