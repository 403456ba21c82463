import {
  Metadata,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type ServerWritableStream,
} from '@grpc/grpc-js';
import { badRequest } from '@raftsman/api';
import type { ApiHandlers } from '@raftsman/proto/gen/raftsman/v1/Api.js';
import type { Object as ObjectMessage } from '@raftsman/proto/gen/raftsman/v1/Object.js';
import type { ObjectList } from '@raftsman/proto/gen/raftsman/v1/ObjectList.js';
import type { WatchEvent as WatchEventMessage } from '@raftsman/proto/gen/raftsman/v1/WatchEvent.js';
import type { WatchRequest__Output } from '@raftsman/proto/gen/raftsman/v1/WatchRequest.js';
import type { Watcher } from '../cacher/watcher.js';
import type { Core, ListResult, RequestContext } from '../registry/core.js';
import { grpcErrorOf } from './error.js';
import { requestContextOf } from './identity.js';
import {
  bodyOf,
  deleteOptionsOf,
  namedTargetOf,
  objectMessage,
  targetOf,
  writeOptionsOf,
} from './messages.js';

/** raftsman.v1.Api over the core that REST serves. */
export function apiService(core: Core, now: () => number): ApiHandlers {
  const unary = <Request, Answer>(
    serve: (context: RequestContext, request: Request) => Promise<Answer>,
  ): handleUnaryCall<Request, Answer> => {
    const respond: (...call: Parameters<handleUnaryCall<Request, Answer>>) => Promise<void> = async (
      call,
      callback,
    ) => {
      let answer: Answer;
      try {
        answer = await serve(requestContextOf(call, now()), call.request);
      } catch (error) {
        return callback(grpcErrorOf(error));
      }
      callback(null, answer);
    };
    return (call, callback) => void respond(call, callback);
  };
  return {
    Get: unary(async (context, { ref, resourceVersion }) =>
      objectMessage(await core.get(context, namedTargetOf(ref), resourceVersion)),
    ),
    List: unary(async (context, request): Promise<ObjectList> => {
      const { limit, continue: continueToken, ref, ...rest } = request;
      return listMessage(
        await core.list(context, targetOf(ref), { ...rest, limit: limitOf(limit), continueToken }),
      );
    }),
    Create: unary(async (context, { ref, object, options }): Promise<ObjectMessage> => {
      const target = targetOf(ref);
      const named = target.subresource === '' ? { ...target, name: '' } : target;
      const result = await core.create(context, named, bodyOf(object), writeOptionsOf(options));
      return objectMessage(result.object);
    }),
    Update: unary(async (context, { ref, object, options }) => {
      const result = await core.update(context, namedTargetOf(ref), bodyOf(object), writeOptionsOf(options));
      return objectMessage(result.object);
    }),
    Patch: unary(async (context, { ref, patch, contentType, options }) => {
      const body = { bytes: patch, contentType };
      const result = await core.patch(context, namedTargetOf(ref), body, writeOptionsOf(options));
      return objectMessage(result.object);
    }),
    Delete: unary(async (context, { ref, options }) => {
      const result = await core.delete(context, namedTargetOf(ref), deleteOptionsOf(options));
      return objectMessage(result.object);
    }),
    DeleteCollection: unary(async (context, { ref, labelSelector, fieldSelector, options }) => {
      const selectors = { labelSelector, fieldSelector };
      return listMessage(
        await core.deleteCollection(context, targetOf(ref), selectors, deleteOptionsOf(options)),
      );
    }),
    Watch: watchHandler(core, now),
  };
}

function limitOf(limit: string): number {
  const value = Number(limit);
  if (value < 0 || !Number.isSafeInteger(value)) throw badRequest('limit must not be negative');
  return value;
}

function listMessage(result: ListResult): ObjectList {
  return {
    resourceVersion: result.resourceVersion,
    items: result.items.map(objectMessage),
    continue: result.continueToken,
    remainingItemCount: result.remainingItemCount ?? 0,
  };
}

type WatchCall = ServerWritableStream<WatchRequest__Output, WatchEventMessage>;

function watchHandler(
  core: Core,
  now: () => number,
): handleServerStreamingCall<WatchRequest__Output, WatchEventMessage> {
  return (call) => {
    const serve = async (): Promise<void> => {
      const { ref, ...rest } = call.request;
      const watcher = await core.watch(requestContextOf(call, now()), targetOf(ref), {
        ...rest,
        resourceVersionMatch: '',
        allowBookmarks: rest.allowWatchBookmarks,
        sendInitialEvents: undefined,
      });
      await pump(call, watcher);
      call.end();
    };
    serve().catch((error: unknown) => call.emit('error', grpcErrorOf(error)));
  };
}

/** Writes what comes until the watch ends or the caller is gone; a caller that does not read sets the pace. */
async function pump(call: WatchCall, watcher: Watcher): Promise<void> {
  let resume: (() => void) | null = null;
  const wake = (): void => {
    resume?.();
    resume = null;
  };
  call.on('drain', wake);
  call.on('cancelled', () => {
    watcher.end('closed');
    wake();
  });
  if (call.cancelled) watcher.end('closed');
  // The headers tell the caller that it watches, before anything happens.
  call.sendMetadata(new Metadata());
  for (let batch = await watcher.next(); batch !== null; batch = await watcher.next()) {
    let room = true;
    for (const event of batch) {
      room = call.write({ type: event.type, object: { json: Buffer.from(event.json) } });
    }
    if (!room && !call.cancelled) {
      await new Promise<void>((resolve) => {
        resume = resolve;
      });
    }
  }
}
