import { assert } from './assert.js';

/**
 * How the leader sends to a follower.
 *
 * - `probe`: where the logs part is unknown; one append per heartbeat interval or answer.
 * - `replicate`: appends follow each other without waiting; `inflight` holds the last index of each that is unanswered.
 * - `snapshot`: the entries it needs are compacted away; nothing is sent until the snapshot up to `index` has ended.
 */
export type ProgressMode =
  | { readonly kind: 'probe'; sent: boolean }
  | { readonly kind: 'replicate'; readonly inflight: number[]; nudged: boolean }
  | { readonly kind: 'snapshot'; readonly index: number };

const probing = (): ProgressMode => ({ kind: 'probe', sent: false });
const replicating = (): ProgressMode => ({ kind: 'replicate', inflight: [], nudged: false });
const sendingSnapshot = (index: number): ProgressMode => ({ kind: 'snapshot', index });

/**
 * What a leader knows of one member's log (§3.5, §10.2.1).
 *
 * 1. 0 <= match < next: entries up to `match` are durable there; those from `next` on were not sent yet.
 * 2. sentCommit < next: the commit index that the member was told, as far as its log reaches.
 * 3. inflight is strictly increasing and lies in (match, next).
 */
export class Progress {
  match = 0;
  next: number;
  sentCommit = 0;
  /** When it last answered anything. */
  heardAtTick = -Infinity;
  /** When it became a member under this leader; -Infinity: before. */
  readonly addedAtTick: number;
  /** By the leader's clock, its promise with a margin: see lease.ts. */
  promisedUntilMs = 0;
  /** Its connection broke, and it was not heard since. */
  unreachable = false;
  /** Not a member any more; null: it is one. */
  leavesAtTick: number | null = null;
  /** The newest round of heartbeats for reads that this member answered (§6.4). */
  readRound = 0;
  mode: ProgressMode = probing();

  constructor(next: number, addedAtTick = -Infinity) {
    this.next = next;
    this.addedAtTick = addedAtTick;
  }

  heard(nowTick: number): void {
    this.heardAtTick = nowTick;
    this.unreachable = false;
  }

  heardWithin(ticks: number, nowTick: number): boolean {
    return nowTick - this.heardAtTick <= ticks;
  }

  /** It need not have answered: it is not yet long enough a member to be missed. */
  addedWithin(ticks: number, nowTick: number): boolean {
    return nowTick - this.addedAtTick <= ticks;
  }

  probeFrom(next: number): void {
    this.mode = probing();
    this.next = Math.max(this.match + 1, next);
    this.sentCommit = Math.min(this.sentCommit, this.match);
  }

  startReplicating(): void {
    this.mode = replicating();
    this.next = this.match + 1;
    this.sentCommit = Math.min(this.sentCommit, this.match);
  }

  /** The member, a witness, was told to begin its log after `index`; the next append waits for its answer. */
  startAfter(index: number): void {
    this.next = index + 1;
    this.mode = { kind: 'probe', sent: true };
  }

  startSnapshot(index: number): void {
    this.mode = sendingSnapshot(index);
  }

  /** The next append waits for a sign of life: the answer to the snapshot, or to a heartbeat. */
  endSnapshot(delivered: boolean): void {
    if (this.mode.kind !== 'snapshot') return;
    this.probeFrom(delivered ? this.mode.index + 1 : this.match + 1);
    this.mode = { kind: 'probe', sent: true };
  }

  /** An append with entries up to `lastIndex` (none: next - 1) and this commit index went out. */
  sent(lastIndex: number, commit: number): void {
    const { mode } = this;
    if (mode.kind === 'probe') {
      mode.sent = true;
    } else if (mode.kind === 'replicate') {
      mode.nudged = false;
      if (lastIndex >= this.next) {
        mode.inflight.push(lastIndex);
        this.next = lastIndex + 1;
      }
    }
    this.sentCommit = Math.max(this.sentCommit, Math.min(commit, this.next - 1));
  }

  /** The member holds the leader's log up to `index`. Answers whether that is news. */
  accepted(index: number): boolean {
    const news = index > this.match;
    if (news) {
      this.match = index;
      this.next = Math.max(this.next, index + 1);
    }
    if (this.mode.kind === 'replicate') {
      const { inflight } = this.mode;
      let answered = 0;
      while (answered < inflight.length && (inflight[answered] ?? 0) <= index) answered += 1;
      if (answered > 0) inflight.splice(0, answered);
    } else if (this.mode.kind === 'probe' && index >= this.match) {
      this.startReplicating();
    }
    return news;
  }

  /** The member refused an append after `refused`; its log may match up to `mayMatch`. A stale answer changes nothing. */
  rejected(refused: number, mayMatch: number): void {
    // What a member has acknowledged it holds: to answer such a refusal at once would never end.
    if (this.mode.kind === 'snapshot' || refused <= this.match) return;
    if (this.mode.kind === 'probe' && refused !== this.next - 1) return;
    this.probeFrom(Math.min(refused, mayMatch + 1));
  }

  /** It answered a heartbeat: what was sent before may be lost, so the next append goes out though others are unanswered. */
  resume(lastIndex: number): void {
    if (this.mode.kind === 'probe') this.mode.sent = false;
    else if (this.mode.kind === 'replicate' && this.match < lastIndex) this.mode.nudged = true;
  }

  check(lastIndex: number, inflightMax: number): void {
    assert(
      this.match >= 0 && this.match < this.next,
      () => `match ${this.match} not before next ${this.next}`,
    );
    assert(this.next <= lastIndex + 1, () => `next ${this.next} beyond the log's end ${lastIndex}`);
    assert(this.sentCommit < this.next, () => `commit ${this.sentCommit} sent beyond next ${this.next}`);
    if (this.mode.kind !== 'replicate') return;
    const { inflight } = this.mode;
    assert(inflight.length <= inflightMax, () => `${inflight.length} appends in flight`);
    let before = this.match;
    for (const index of inflight) {
      assert(index > before && index < this.next, () => `append up to ${index} in flight after ${before}`);
      before = index;
    }
  }
}
