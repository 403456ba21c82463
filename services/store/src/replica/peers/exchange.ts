import { status, type ServerDuplexStream } from '@grpc/grpc-js';
import type { MemberId, Message } from '@raftsman/raft';
import type { Frame__Output } from '@raftsman/proto/gen/raftsman/raft/v1/Frame.js';
import type { Hello__Output } from '@raftsman/proto/gen/raftsman/raft/v1/Hello.js';
import type { Welcome } from '@raftsman/proto/gen/raftsman/raft/v1/Welcome.js';
import type { Logger } from '@raftsman/telemetry';
import { storeLimits } from '../../limits.js';
import { decodeMessage } from './codec.js';
import { meet, removedLine, type KnownPeers, type PeerIdentity } from './hello.js';

export interface LogPosition {
  readonly term: number;
  readonly lastLogIndex: number;
}

export type ExchangeCall = ServerDuplexStream<Frame__Output, Welcome>;

export interface ExchangeEvents {
  greeted(from: MemberId, hello: Hello__Output): void;
  messages(messages: readonly Message[]): void;
  unreachable(peer: MemberId): void;
  /** How far this member is; not behind what it has told anybody. */
  position(): LogPosition;
}

export interface Exchange {
  readonly handle: (call: ExchangeCall) => void;
  /** The streams of those that were removed from the cluster end, and say so. */
  dismissRemoved(): void;
}

const refusalCodes = {
  refused: status.FAILED_PRECONDITION,
  removed: status.PERMISSION_DENIED,
  lost: status.DATA_LOSS,
} as const;

/** Takes the streams of messages that the peers open. The newest stream of a peer is the one that counts. */
export function createExchange(
  identity: PeerIdentity,
  known: KnownPeers,
  events: ExchangeEvents,
  logger: Logger,
): Exchange {
  const current = new Map<MemberId, ExchangeCall>();

  /** null: refused, or a member that has to begin anew and only asks. */
  const greet = async (call: ExchangeCall, hello: Hello__Output | null): Promise<MemberId | null> => {
    const greeting = await meet(hello, identity, known);
    if (greeting.kind !== 'welcome') {
      logger.error({ from: call.getPeer(), reason: greeting.reason }, 'refused a peer');
      call.emit('error', { code: refusalCodes[greeting.kind], details: greeting.reason });
      return null;
    }
    // Whoever still speaks from the earlier data directory is not heard any more: what it said so far is in the position.
    if (hello?.rebuild)
      current
        .get(greeting.from)
        ?.emit('error', { code: status.DATA_LOSS, details: 'it is rebuilt elsewhere' });
    const { name, clientUrls } = identity;
    call.write({ name, clientUrls: [...clientUrls], met: greeting.met, ...events.position() });
    if (hello?.rebuild) logger.warn({ name: hello.name }, 'a member lost its data and is rebuilt');
    if (hello?.rebuild || hello?.joining) return null;
    if (hello !== null) events.greeted(greeting.from, hello);
    return greeting.from;
  };

  const handle = (call: ExchangeCall): void => {
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
    const welcome = (sender: MemberId | null): void => {
      if (over) return;
      if (sender === null) {
        over = true;
        return;
      }
      from = sender;
      current.set(sender, call);
      call.resume();
    };
    call.on('data', (frame: Frame__Output) => {
      if (over) return;
      if (from === null) {
        clearTimeout(helloTimer);
        // What follows waits until it is known who sends it.
        call.pause();
        greet(call, frame.hello).then(welcome, (error: unknown) => {
          over = true;
          call.emit('error', { code: status.INTERNAL, details: String(error) });
        });
        return;
      }
      const sender = from;
      events.messages(frame.messages.flatMap((wire) => decodeMessage(sender, identity.self, wire) ?? []));
    });
    call.on('end', end);
    call.on('cancelled', end);
    call.on('error', end);
  };
  const dismissRemoved = (): void => {
    for (const [peer, call] of current)
      if (identity.isRemoved(peer))
        call.emit('error', { code: status.PERMISSION_DENIED, details: removedLine });
  };
  return { handle, dismissRemoved };
}
