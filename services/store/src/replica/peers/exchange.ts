import { status, type ServerDuplexStream } from '@grpc/grpc-js';
import type { MemberId, Message } from '@raftsman/raft';
import type { Frame__Output } from '@raftsman/proto/gen/raftsman/raft/v1/Frame.js';
import type { Hello__Output } from '@raftsman/proto/gen/raftsman/raft/v1/Hello.js';
import type { Welcome } from '@raftsman/proto/gen/raftsman/raft/v1/Welcome.js';
import type { Logger } from '@raftsman/telemetry';
import { storeLimits } from '../../limits.js';
import { decodeMessage } from './codec.js';
import { checkHello, type PeerIdentity } from './hello.js';

export type ExchangeCall = ServerDuplexStream<Frame__Output, Welcome>;

export interface ExchangeEvents {
  greeted(from: MemberId, hello: Hello__Output): void;
  messages(messages: readonly Message[]): void;
  unreachable(peer: MemberId): void;
}

/** Takes the streams of messages that the peers open. The newest stream of a peer is the one that counts. */
export function createExchange(
  identity: PeerIdentity,
  events: ExchangeEvents,
  logger: Logger,
): (call: ExchangeCall) => void {
  const current = new Map<MemberId, ExchangeCall>();

  const greet = (call: ExchangeCall, hello: Hello__Output | null): MemberId | null => {
    const greeting = checkHello(hello, identity);
    if (greeting.kind === 'refused') {
      logger.error({ from: call.getPeer(), reason: greeting.reason }, 'refused a peer');
      call.emit('error', { code: status.FAILED_PRECONDITION, details: greeting.reason });
      return null;
    }
    current.set(greeting.from, call);
    if (hello !== null) events.greeted(greeting.from, hello);
    call.write({ name: identity.name, clientUrls: [...identity.clientUrls] });
    return greeting.from;
  };

  return (call) => {
    let from: MemberId | null = null;
    let over = false;
    const end = (): void => {
      clearTimeout(helloTimer);
      if (over) return;
      over = true;
      call.end();
      if (from === null || current.get(from) !== call) return;
      current.delete(from);
      events.unreachable(from);
    };
    const helloTimer = setTimeout(() => {
      over = true;
      call.emit('error', { code: status.DEADLINE_EXCEEDED, details: 'no hello came' });
    }, storeLimits.helloTimeoutMs);
    call.on('data', (frame: Frame__Output) => {
      if (over) return;
      if (from === null) {
        clearTimeout(helloTimer);
        from = greet(call, frame.hello);
        over = from === null;
        return;
      }
      const sender = from;
      events.messages(frame.messages.flatMap((wire) => decodeMessage(sender, identity.self, wire) ?? []));
    });
    call.on('end', end);
    call.on('cancelled', end);
    call.on('error', end);
  };
}
