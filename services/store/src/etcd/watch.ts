import type { WatchHandlers } from '@raftsman/proto/gen/etcdserverpb/Watch.js';
import type { Context } from './context.js';
import { etcdError } from './errors.js';
import type { Leadership } from './leadership.js';
import { requiresLeader } from './unary.js';
import type { WatchPump } from './watch-pump.js';
import { WatchStream } from './watch-stream.js';

export interface WatchService {
  readonly handlers: WatchHandlers;
  /** Ends every stream. */
  close(): void;
}

export function createWatch(context: Context, pump: WatchPump, leadership: Leadership): WatchService {
  const streams = new Set<WatchStream>();
  return {
    handlers: {
      Watch: (call) => {
        const needsLeader = requiresLeader(call.metadata);
        if (needsLeader && !leadership.hasLeader()) {
          call.emit('error', etcdError('noLeader'));
          return;
        }
        const stream = new WatchStream(context, pump, call);
        streams.add(stream);
        const forget = needsLeader ? leadership.onLost(() => stream.fail(etcdError('noLeader'))) : undefined;
        stream.onEnd = () => {
          streams.delete(stream);
          forget?.();
        };
      },
    },
    close: () => {
      for (const stream of streams) stream.fail(etcdError('stopped'));
    },
  };
}
