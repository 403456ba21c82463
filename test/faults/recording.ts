import { createWriteStream, readFileSync, rmSync, writeFileSync, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import {
  parseHistory,
  type Compaction,
  type HistoryEvent,
  type KeyValue,
  type KvInput,
  type KvOutput,
  type Operation,
  type WatchRecord,
} from '@raftsman/faults';
import { Judge, type Evidence, type Judgement } from './judge.js';
import { LeaseBook, type SavedLease } from './leases.js';
import type { StaleRead } from './stale-reads.js';
import { Truth } from './truth.js';
import { allKeys } from './watching.js';

/** What the judges see beside the history, and where it begins. */
interface SavedEvidence {
  readonly base: { readonly revision: number; readonly kvs: readonly KeyValue[] };
  readonly endRevision: number;
  readonly brokeOff: string | null;
  readonly unknownBefore: readonly Operation<KvInput, KvOutput>[];
  readonly leases: readonly SavedLease[];
  readonly compactions: readonly Compaction[];
  readonly staleReads: readonly StaleRead[];
  readonly watches: readonly WatchRecord[];
}

const historyFile = (directory: string, phase: number): string => join(directory, `history-${phase}.jsonl`);
const evidenceFile = (directory: string, phase: number): string => join(directory, `evidence-${phase}.json`);

/**
 * The files of one phase after the other; those of a phase without an anomaly are removed again. A phase can be judged again from its two files
 * alone: who begins one keeps its evidence before its end, however it ends.
 */
export class Recording {
  readonly #directory: string;
  readonly #kept: number[] = [];
  #phase = 0;
  #history: WriteStream | null = null;
  #isKept = false;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Whether the evidence of the present phase is on disk. */
  get isKept(): boolean {
    return this.#isKept;
  }

  /** The ended phases that left their files. */
  get kept(): readonly number[] {
    return this.#kept;
  }

  begin(phase: number): void {
    this.#phase = phase;
    this.#isKept = false;
    this.#history = createWriteStream(historyFile(this.#directory, phase));
  }

  write(event: HistoryEvent<KvInput, KvOutput>): void {
    this.#history?.write(`${JSON.stringify(event)}\n`);
  }

  /** What the judges need beside the history. */
  keep(judge: Judge, leases: LeaseBook, evidence: Evidence): void {
    const { staleReads, watches, compactions, endRevision, brokeOff } = evidence;
    const saved: SavedEvidence = {
      base: { revision: judge.state.revision, kvs: [...judge.state.keys.values()] },
      endRevision,
      brokeOff,
      unknownBefore: judge.unknown,
      leases: leases.save(),
      compactions,
      staleReads,
      watches,
    };
    writeFileSync(evidenceFile(this.#directory, this.#phase), JSON.stringify(saved));
    this.#isKept = true;
  }

  async end(isFine: boolean): Promise<void> {
    const history = this.#history;
    if (history === null) return;
    this.#history = null;
    await new Promise((resolve) => history.end(resolve));
    if (!isFine) {
      if (this.#isKept) this.#kept.push(this.#phase);
      return;
    }
    for (const file of [historyFile, evidenceFile])
      rmSync(file(this.#directory, this.#phase), { force: true });
  }
}

/** Judges the kept files of one phase once more; `brokeOff` as in Evidence. Throws HistoryError, or the error of a file that cannot be read. */
export function judgeAgain(
  directory: string,
  phase: number,
): Judgement & { readonly brokeOff: string | null } {
  const operations = parseHistory<KvInput, KvOutput>(readFileSync(historyFile(directory, phase), 'utf8'));
  const saved = JSON.parse(readFileSync(evidenceFile(directory, phase), 'utf8')) as SavedEvidence;
  const { base, watches } = saved;
  const truth = new Truth();
  const contradictions: string[] = [];
  const isObserver = ({ request }: WatchRecord): boolean =>
    request.key === allKeys.key && request.end === allKeys.end;
  // First those who were told everything.
  for (const watch of [...watches].sort((a, b) => Number(isObserver(b)) - Number(isObserver(a))))
    for (const response of watch.responses) {
      if (response.kind !== 'events') continue;
      for (const { kv } of response.events) {
        const ofRevision = response.events.filter((event) => event.kv.modRevision === kv.modRevision);
        const contradiction = isObserver(watch)
          ? truth.observed(kv.modRevision, ofRevision, response.atMs)
          : null;
        if (contradiction !== null) contradictions.push(contradiction);
        truth.sawSome(kv.modRevision, response.atMs);
      }
    }
  const state = { revision: base.revision, keys: new Map(base.kvs.map((kv) => [kv.key, kv])) };
  const judge = new Judge(truth, LeaseBook.of(saved.leases), state, saved.unknownBefore);
  const judgement = judge.judge({ ...saved, operations });
  const anomalies = [...new Set(contradictions), ...judgement.anomalies];
  return { ...judgement, anomalies, brokeOff: saved.brokeOff };
}
