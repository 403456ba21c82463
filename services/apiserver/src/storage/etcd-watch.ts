import { Metadata, type ClientDuplexStream, type ServiceError } from '@grpc/grpc-js';
import type { KubeObject } from '@raftsman/api';
import type { WatchRequest } from '@raftsman/proto/gen/etcdserverpb/WatchRequest.js';
import type { WatchResponse__Output } from '@raftsman/proto/gen/etcdserverpb/WatchResponse.js';
import { decodeObject } from './codec.js';
import type { EtcdClient } from './etcd-client.js';
import { prefixEnd } from './keys.js';
import { StorageError } from './storage-error.js';

export interface EtcdEvent {
  readonly key: string;
  readonly revision: number;
  /** null: deleted. */
  readonly object: KubeObject | null;
}

export interface EtcdWatchHandlers {
  /** The store has taken the watch on. */
  readonly onOpen: () => void;
  /** In order of revision; all events of one revision come in one call. */
  readonly onEvents: (events: readonly EtcdEvent[]) => void;
  /** Called at most once, and never after `close`. `compacted`: read everything anew; `unavailable`: open again. */
  readonly onEnd: (error: StorageError) => void;
}

export interface EtcdWatch {
  close(): void;
}

type Stream = ClientDuplexStream<WatchRequest, WatchResponse__Output>;

/** One watch on one stream to the preferred member. `hasleader` makes etcd end it when the member loses its leader. */
export function openEtcdWatch(
  client: EtcdClient,
  prefix: string,
  startRevision: number,
  handlers: EtcdWatchHandlers,
): EtcdWatch {
  const member = client.preferred();
  const metadata = new Metadata();
  metadata.set('hasleader', 'true');
  const stream: Stream = member.watch.Watch(metadata);
  let ended = false;
  const end = (error: StorageError): void => {
    if (ended) return;
    ended = true;
    stream.cancel();
    handlers.onEnd(error);
  };
  const lost = (message: string, cause?: ServiceError): void => {
    if (ended) return;
    client.suspect(member);
    end(new StorageError('unavailable', message, { cause }));
  };
  stream.on('error', (error: ServiceError) => lost(error.message, error));
  stream.on('end', () => lost('etcd ended the watch'));
  stream.on('data', (answer: WatchResponse__Output) => {
    if (ended) return;
    if (answer.canceled) return end(cancellation(answer));
    if (answer.created) return handlers.onOpen();
    if (answer.events.length === 0) return;
    let events: readonly EtcdEvent[];
    try {
      events = eventsOf(answer);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      return end(error);
    }
    handlers.onEvents(events);
  });
  stream.write({
    createRequest: {
      key: Buffer.from(prefix),
      rangeEnd: Buffer.from(prefixEnd(prefix)),
      startRevision,
    },
  });
  return {
    close: () => {
      ended = true;
      stream.cancel();
    },
  };
}

function cancellation(answer: WatchResponse__Output): StorageError {
  return Number(answer.compactRevision) > 0
    ? new StorageError('compacted', 'the revision to watch from is compacted')
    : new StorageError('unavailable', `etcd cancelled the watch: ${answer.cancelReason}`);
}

function eventsOf(answer: WatchResponse__Output): readonly EtcdEvent[] {
  return answer.events.map((event) => {
    const kv = event.kv!;
    const key = kv.key.toString();
    const revision = Number(kv.modRevision);
    return { key, revision, object: event.type === 'DELETE' ? null : decodeObject(key, kv.value, revision) };
  });
}
