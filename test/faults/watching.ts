import { setTimeout as sleep } from 'node:timers/promises';
import type { Event__Output } from '@raftsman/proto/gen/mvccpb/Event.js';
import type { WatchResponse__Output } from '@raftsman/proto/gen/etcdserverpb/WatchResponse.js';
import type { WatchedEvent, WatchRecord, WatchRequest, WatchResponse } from '@raftsman/faults';
import { isReady } from './client.js';
import type { Member } from './members.js';
import type { Run } from './run.js';
import { keyValue, revisionOf } from './wire.js';

export const allKeys = { key: 's/', end: 's0' } as const;

/** One watch on a stream of its own. */
export interface Watching {
  readonly record: WatchRecord;
  /** The first revision that it has not told yet. */
  next(): number;
  requestProgress(): void;
  /** Ends the record here and goes on in another, on the same stream. */
  cut(): WatchRecord;
  /** Resolves when the stream is over, with the reason. */
  readonly over: Promise<string>;
  close(): void;
}

let watches = 0;

export function openWatch(
  run: Run,
  member: Member,
  request: WatchRequest,
  onResponse: (response: WatchResponse) => void = () => undefined,
): Watching {
  let responses: WatchResponse[] = [];
  let next = request.startRevision;
  const name = `${member.name}/${member.life}#${++watches}`;
  let record: WatchRecord = { id: name, request, responses };
  const { watch } = run.connection(member);
  const stream = watch.watch();
  let end: (reason: string) => void = () => undefined;
  const over = new Promise<string>((resolve) => (end = resolve));
  stream.on('data', (message: WatchResponse__Output) => {
    const response = parse(message, run.now());
    responses.push(response);
    if (response.kind === 'created' && next === 0) next = response.revision + 1;
    if (response.kind === 'events')
      for (const { kv } of response.events) {
        run.truth.sawSome(kv.modRevision, response.atMs);
        next = Math.max(next, kv.modRevision + 1);
      }
    if (response.kind === 'progress') next = Math.max(next, response.revision + 1);
    onResponse(response);
    if (response.kind === 'canceled') stream.cancel();
  });
  stream.on('error', (error: Error) => end(error.message));
  stream.on('end', () => end('ended'));
  stream.write({
    createRequest: {
      key: Buffer.from(request.key),
      rangeEnd: Buffer.from(request.end ?? ''),
      startRevision: request.startRevision,
      prevKv: request.prevKv ?? false,
      filters: [
        ...(request.noPut ? ['NOPUT' as const] : []),
        ...(request.noDelete ? ['NODELETE' as const] : []),
      ],
      progressNotify: true,
    },
  });
  return {
    get record() {
      return record;
    },
    next: () => next,
    requestProgress: () => void (stream.writable && stream.write({ progressRequest: {} })),
    cut: () => {
      const past = record;
      responses = [];
      record = { id: name, request: { ...request, startRevision: next }, responses };
      return past;
    },
    over,
    close: () => stream.cancel(),
  };
}

function parse(message: WatchResponse__Output, atMs: number): WatchResponse {
  if (message.canceled)
    return {
      kind: 'canceled',
      atMs,
      compactRevision: Number(message.compactRevision),
      reason: message.cancelReason,
    };
  const revision = revisionOf(message);
  if (message.created) return { kind: 'created', atMs, revision };
  if (message.events.length === 0) return { kind: 'progress', atMs, revision };
  return { kind: 'events', atMs, revision, events: message.events.map(watchedEvent) };
}

function watchedEvent({ type, kv, prevKv }: Event__Output): WatchedEvent {
  if (kv === null) throw new Error('an event without a key');
  const told = keyValue(kv);
  return {
    type: type === 'DELETE' ? 'DELETE' : 'PUT',
    kv: told,
    previous: prevKv === null ? null : keyValue(prevKv),
    isCreate: type === 'PUT' && told.createRevision === told.modRevision,
  };
}

/** Watches everything on one member from the first revision on, through every break; feeds the truth. */
export class Observer {
  readonly #run: Run;
  readonly #member: Member;
  readonly #stop = new AbortController();
  #watching: Watching | null = null;
  #next = 2;
  #going: Promise<void>;

  constructor(run: Run, member: Member) {
    this.#run = run;
    this.#member = member;
    this.#going = this.#loop();
  }

  /** The highest revision up to which it was told everything. */
  get told(): number {
    return (this.#watching?.next() ?? this.#next) - 1;
  }

  /** Hands what was recorded to the run and goes on. */
  cut(): void {
    if (this.#watching !== null) this.#run.watches.push(this.#watching.cut());
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#watching?.close();
    await this.#going;
  }

  requestProgress(): void {
    this.#watching?.requestProgress();
  }

  async #loop(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      if (!(await isReady(this.#run.connection(this.#member), 500))) continue;
      if (this.#stop.signal.aborted) return;
      const request = { ...allKeys, startRevision: this.#next, prevKv: true };
      this.#watching = openWatch(this.#run, this.#member, request, (response) => this.#told(response));
      await this.#watching.over;
      this.#next = Math.max(this.#next, this.#watching.next());
      this.#run.watches.push(this.#watching.record);
      this.#watching = null;
      await sleep(20, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }

  #told(response: WatchResponse): void {
    // What is gone from here another observer has: compaction stays behind the foremost.
    if (response.kind === 'canceled') this.#next = Math.max(this.#next, response.compactRevision);
    if (response.kind !== 'events') return;
    for (const [revision, events] of byRevision(response.events)) {
      const contradiction = this.#run.truth.observed(revision, events, response.atMs);
      if (contradiction !== null) this.#run.anomaly(contradiction);
    }
  }
}

function byRevision(events: readonly WatchedEvent[]): ReadonlyMap<number, readonly WatchedEvent[]> {
  const groups = new Map<number, WatchedEvent[]>();
  for (const event of events) {
    const group = groups.get(event.kv.modRevision);
    if (group === undefined) groups.set(event.kv.modRevision, [event]);
    else group.push(event);
  }
  return groups;
}

/** Opens watches on part of the keys near the present, one after the other, and goes on where a break left it. */
export async function watchAround(run: Run, signal: AbortSignal): Promise<void> {
  const { random } = run;
  let goOn: WatchRequest | null = null;
  while (!signal.aborted) {
    const member = random.pick(run.members.all);
    if (!(await isReady(run.connection(member), 500)) || signal.aborted) continue;
    const request: WatchRequest = goOn ?? randomRequest(run);
    const watching = openWatch(run, member, request);
    const isOver = await watchFor(watching, random.between(500, 5_000), random.between(50, 500), signal);
    const isCanceled = watching.record.responses.some(({ kind }) => kind === 'canceled');
    const resume = watching.next();
    // Only a break is gone on from; a watch that was closed in good order has told enough.
    goOn = isOver && !isCanceled && resume > 0 ? { ...request, startRevision: resume } : null;
    watching.close();
    await watching.over;
    run.watches.push(watching.record);
    run.count(goOn === null ? 'watches' : 'watches resumed');
  }
}

/** Whether the stream was over before the time was. */
async function watchFor(
  watching: Watching,
  lengthMs: number,
  progressEveryMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const untilMs = performance.now() + lengthMs;
  const isOver = watching.over.then(() => true);
  while (performance.now() < untilMs && !signal.aborted) {
    if (await Promise.race([isOver, sleep(progressEveryMs, false)])) return true;
    watching.requestProgress();
  }
  return false;
}

function randomRequest({ random, truth, prefix }: Run): WatchRequest {
  const startRevision = random.chance(0.1) ? 0 : Math.max(1, truth.newest + random.between(-100, 100));
  const range = random.chance(0.3)
    ? { key: `${prefix}k${random.below(4)}` }
    : { key: prefix, end: `${prefix.slice(0, -1)}0` };
  return {
    ...range,
    startRevision,
    prevKv: random.chance(0.5),
    noPut: random.chance(0.1),
    noDelete: random.chance(0.1),
  };
}
