import type { ServerDuplexStream } from '@grpc/grpc-js';
import {
  isEmpty,
  keyRange,
  revision,
  type KeyValue,
  type Revision,
  type Watcher,
  type WatchHub,
  type WatchSink,
} from '@raftsman/mvcc';
import type { Event } from '@raftsman/proto/gen/mvccpb/Event.js';
import type { WatchCreateRequest__Output } from '@raftsman/proto/gen/etcdserverpb/WatchCreateRequest.js';
import type { WatchRequest__Output } from '@raftsman/proto/gen/etcdserverpb/WatchRequest.js';
import type { WatchResponse } from '@raftsman/proto/gen/etcdserverpb/WatchResponse.js';
import { requireRead } from '../auth/permissions.js';
import { permit } from './access.js';
import { header, memberHeader, storeOf, type Context } from './context.js';
import { printed, toEtcdError, type EtcdError } from './errors.js';
import { binary } from './from-wire.js';
import { etcdLimits } from './limits.js';
import { wireEvent } from './to-wire.js';
import type { WatchPump } from './watch-pump.js';

type Call = ServerDuplexStream<WatchRequest__Output, WatchResponse>;

interface Watch {
  /** Decimal: ids are 64 bits wide. */
  readonly id: string;
  readonly watcher: Watcher;
  readonly prevKv: boolean;
  readonly fragment: boolean;
  readonly progressNotify: boolean;
  /** No events since the last periodic notification was due. */
  quiet: boolean;
}

/**
 * One client's stream and its watches. What is under way to the client is bounded: beyond the bound requests are not
 * read any more, and the watchers read from history once the client has caught up.
 */
export class WatchStream implements WatchSink {
  readonly #context: Context;
  readonly #pump: WatchPump;
  readonly #call: Call;
  readonly #watches = new Map<string, Watch>();
  readonly #byWatcher = new Map<Watcher, Watch>();
  #nextId = 0;
  #bytesUnderWay = 0;
  #progressWanted = false;
  #progressTimer: NodeJS.Timeout | undefined;
  /** A watch is being looked at whether it is permitted: what comes after it waits. */
  #checking = false;
  #ended = false;
  onEnd: () => void = () => undefined;

  constructor(context: Context, pump: WatchPump, call: Call) {
    this.#context = context;
    this.#pump = pump;
    this.#call = call;
    call.on('data', (request: WatchRequest__Output) => this.#receive(request));
    // A client that has asked for all it wants goes on listening: its half-close ends nothing, as in etcd.
    call.on('cancelled', () => this.#finish());
    call.on('close', () => this.#finish());
    call.on('error', () => this.#finish());
  }

  ready(): boolean {
    return !this.#ended && this.#bytesUnderWay < etcdLimits.watchStreamBufferBytes;
  }

  events(watcher: Watcher, changes: readonly KeyValue[], upTo: Revision): void {
    const watch = this.#byWatcher.get(watcher);
    if (watch === undefined) return;
    watch.quiet = false;
    this.#context.stateMachine.counts.events += changes.length;
    const { space } = storeOf(this.#context);
    const events: Event[] = [];
    let bytes = 0;
    const send = (fragment: boolean): void => {
      const response = {
        header: header(this.#context, upTo),
        watchId: watch.id,
        events: events.splice(0),
        fragment,
      };
      this.#write(response, bytes);
      bytes = 0;
    };
    for (const kv of changes) {
      const previous = watch.prevKv ? space.previous(kv) : null;
      const size = sizeOf(kv) + (previous === null ? 0 : sizeOf(previous));
      if (watch.fragment && events.length > 0 && bytes + size > this.#fragmentBytes()) send(true);
      events.push(wireEvent(kv, previous));
      bytes += size;
    }
    send(false);
  }

  compacted(watcher: Watcher, compactRevision: Revision): void {
    const watch = this.#byWatcher.get(watcher);
    if (watch === undefined) return;
    this.#forget(watch);
    // Without a revision, as etcd does.
    this.#write({ header: memberHeader(this.#context), watchId: watch.id, canceled: true, compactRevision });
  }

  /** Ends the stream with a status. */
  fail(error: EtcdError): void {
    this.#finish(() => this.#call.emit('error', { code: error.code, details: error.details }));
  }

  get #hub(): WatchHub {
    return this.#context.stateMachine.watches;
  }

  #receive(request: WatchRequest__Output): void {
    if (this.#ended) return;
    if (request.createRequest) this.#createIfPermitted(request.createRequest);
    else if (request.cancelRequest) this.#cancel(request.cancelRequest.watchId);
    else if (request.progressRequest) this.#requestProgress();
    if (this.#checking || !this.ready()) this.#call.pause();
  }

  /** Asked once, like etcd: a watch goes on when its permission is revoked. */
  #createIfPermitted(request: WatchCreateRequest__Output): void {
    if (!this.#context.stateMachine.auth.enabled) return this.#create(request);
    this.#checking = true;
    const created = permit(this.#context, this.#call, (auth, who) =>
      requireRead(auth, who, binary(request.key) || '\0', binary(request.rangeEnd)),
    ).then(
      () => this.#create(request),
      (error: unknown) => {
        const refusal = toEtcdError(error);
        if (refusal === undefined) throw error;
        this.#refuse(printed(refusal));
      },
    );
    void created.then(() => {
      this.#checking = false;
      if (!this.#ended && this.ready()) this.#call.resume();
    });
  }

  #refuse(cancelReason: string): void {
    const watchId = '-1';
    this.#write({ header: header(this.#context), created: true, watchId, canceled: true, cancelReason });
  }

  #create(request: WatchCreateRequest__Output): void {
    if (this.#ended) return;
    const current = storeOf(this.#context).revision;
    const range = keyRange(binary(request.key) || '\0', binary(request.rangeEnd));
    const created = { header: header(this.#context), created: true };
    const refuse = (reason: string): void => this.#refuse(reason);
    if (isEmpty(range)) return refuse('mvcc: watcher range is empty');
    if (this.#watches.size >= etcdLimits.watchesPerStreamMax)
      return refuse('etcdserver: too many watches on one stream');
    if (request.watchId !== '0' && this.#watches.has(request.watchId)) {
      return refuse('mvcc: duplicate watch ID provided on the WatchStream');
    }
    const id = request.watchId === '0' ? this.#freeId() : request.watchId;
    const start = Number(request.startRevision);
    const watcher = this.#hub.watch(
      {
        range,
        // etcd replays nothing before the first revision, whatever is asked for.
        startRevision: revision(start === 0 ? current + 1 : start),
        noPut: request.filters.includes('NOPUT'),
        noDelete: request.filters.includes('NODELETE'),
      },
      this,
    );
    const { prevKv, fragment, progressNotify } = request;
    const watch: Watch = { id, watcher, prevKv, fragment, progressNotify, quiet: true };
    this.#watches.set(id, watch);
    this.#byWatcher.set(watcher, watch);
    if (progressNotify) this.#startProgress();
    this.#write({ ...created, watchId: id });
    if (watcher.state.kind === 'catching-up') this.#pump.wake();
  }

  #freeId(): string {
    while (this.#watches.has(String(this.#nextId))) this.#nextId += 1;
    return String(this.#nextId++);
  }

  #cancel(id: string): void {
    const watch = this.#watches.get(id);
    if (watch === undefined) return;
    this.#hub.cancel(watch.watcher);
    this.#forget(watch);
    this.#write({ header: header(this.#context), watchId: id, canceled: true });
  }

  /** Answered once every watch of the stream has been given all there is, so that the revision holds for all of them. */
  #requestProgress(): void {
    if (this.#progressWanted) return;
    this.#progressWanted = true;
    this.#pump.listen(this.#answerProgress);
    this.#pump.wake();
  }

  readonly #answerProgress = (): void => {
    if ([...this.#watches.values()].some(({ watcher }) => watcher.state.kind !== 'synced')) return;
    this.#progressWanted = false;
    this.#pump.ignore(this.#answerProgress);
    this.#write({ header: header(this.#context, this.#hub.published), watchId: '-1' });
  };

  #startProgress(): void {
    this.#progressTimer ??= setInterval(
      () => this.#notify(),
      this.#context.config.watchProgressNotifyIntervalMs,
    );
  }

  #notify(): void {
    if (!this.ready()) return;
    this.#hub.publish();
    for (const watch of this.#watches.values()) {
      if (!watch.progressNotify) continue;
      if (watch.quiet && watch.watcher.state.kind === 'synced') {
        this.#write({ header: header(this.#context, this.#hub.published), watchId: watch.id });
      }
      watch.quiet = true;
    }
  }

  #fragmentBytes(): number {
    return this.#context.config.requestBytesMax + etcdLimits.fragmentOverheadBytes;
  }

  #write(response: WatchResponse, bytes = 0): void {
    if (this.#ended) return;
    const size = bytes + etcdLimits.responseOverheadBytes;
    this.#bytesUnderWay += size;
    this.#call.write(response, () => {
      const wasReady = this.ready();
      this.#bytesUnderWay -= size;
      if (wasReady || !this.ready()) return;
      if (!this.#checking) this.#call.resume();
      this.#pump.wake();
    });
  }

  #forget(watch: Watch): void {
    this.#watches.delete(watch.id);
    this.#byWatcher.delete(watch.watcher);
  }

  #finish(last?: () => void): void {
    if (this.#ended) return;
    this.#ended = true;
    clearInterval(this.#progressTimer);
    this.#pump.ignore(this.#answerProgress);
    for (const { watcher } of this.#watches.values()) this.#hub.cancel(watcher);
    this.#watches.clear();
    this.#byWatcher.clear();
    this.onEnd();
    last?.();
  }
}

const sizeOf = (kv: KeyValue): number => kv.key.length + kv.value.length + etcdLimits.responseOverheadBytes;
