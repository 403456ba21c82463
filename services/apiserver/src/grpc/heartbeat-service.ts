import { Metadata, type ServerReadableStream, type ServerWritableStream } from '@grpc/grpc-js';
import { accessDenied, tooManyRequests } from '@raftsman/api';
import type { Beat, Beat__Output } from '@raftsman/proto/gen/raftsman/v1/Beat.js';
import type { HeartbeatsHandlers } from '@raftsman/proto/gen/raftsman/v1/Heartbeats.js';
import type { SendSummary } from '@raftsman/proto/gen/raftsman/v1/SendSummary.js';
import { authorize, type Authorizer } from '../auth/authorizer.js';
import { nodeNameOf, type Identity } from '../auth/identity.js';
import type { BeatHub } from './beat-hub.js';
import { grpcErrorOf } from './error.js';
import { requestContextOf } from './identity.js';

/** raftsman.v1.Heartbeats: the way of beats while NATS is out of reach. */
export function heartbeatService(
  hub: BeatHub,
  authorizer: Authorizer,
  now: () => number,
): HeartbeatsHandlers {
  const permitted = (call: Parameters<typeof requestContextOf>[0], method: 'Send' | 'Watch'): Identity => {
    const { identity } = requestContextOf(call, now());
    const path = `/raftsman.v1.Heartbeats/${method}`;
    authorize(authorizer, identity, { kind: 'path', verb: 'post', path });
    return identity;
  };
  return {
    Send: (call: ServerReadableStream<Beat__Output, SendSummary>, callback) => {
      try {
        receive(call, permitted(call, 'Send'), hub, callback);
      } catch (error) {
        callback(grpcErrorOf(error));
      }
    },
    Watch: (call: ServerWritableStream<unknown, Beat>) => {
      try {
        permitted(call, 'Watch');
        const watcher = hub.watch(
          (beat) => call.write(beat),
          () => call.end(),
        );
        if (watcher === null) throw tooManyRequests('too many watch the beats already', 1);
        call.on('drain', () => watcher.resume());
        call.on('cancelled', () => watcher.close());
        call.sendMetadata(new Metadata());
      } catch (error) {
        call.emit('error', grpcErrorOf(error));
      }
    },
  };
}

function receive(
  call: ServerReadableStream<Beat__Output, SendSummary>,
  identity: Identity,
  hub: BeatHub,
  callback: (error: ReturnType<typeof grpcErrorOf> | null, summary?: SendSummary) => void,
): void {
  const own = nodeNameOf(identity);
  let received = 0;
  let over = false;
  const finish = (error: ReturnType<typeof grpcErrorOf> | null): void => {
    if (over) return;
    over = true;
    callback(error, error === null ? { received } : undefined);
  };
  call.on('data', (beat: Beat__Output) => {
    if (over) return;
    if (own !== null && beat.node !== own) {
      const target = { group: '', plural: 'nodes', name: beat.node };
      return finish(
        grpcErrorOf(
          accessDenied({ user: identity.name, verb: 'beat', target }, 'a node beats for itself alone'),
        ),
      );
    }
    received += 1;
    hub.publish(beat);
  });
  call.on('end', () => finish(null));
  call.on('error', (error: Error) => finish(grpcErrorOf(error)));
}
