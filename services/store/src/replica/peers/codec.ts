import {
  decodeConfiguration,
  encodeConfiguration,
  logIndex,
  term,
  type Entry,
  type MemberId,
  type Message,
} from '@raftsman/raft';
import type {
  Message as WireMessage,
  Message__Output as ReceivedMessage,
} from '@raftsman/proto/gen/raftsman/raft/v1/Message.js';
import type { EntryType__Output as WireEntryType } from '@raftsman/proto/gen/raftsman/raft/v1/EntryType.js';

type SentMessage = Exclude<Message, { readonly kind: 'snapshot-request' }>;

const wireTypes = { normal: 'NORMAL', configuration: 'CONFIGURATION' } as const;
const entryTypeOf = (type: WireEntryType): Entry['type'] =>
  type === 'CONFIGURATION' ? 'configuration' : 'normal';

const indexOf = (text: string) => logIndex(Number(text));
const termOf = (text: string) => term(Number(text));

/** Sender and receiver go with the stream. Snapshots go by a stream of their own. */
export function encodeMessage(message: SentMessage): WireMessage {
  const base = { term: message.term };
  switch (message.kind) {
    case 'vote-request':
      return { ...base, voteRequest: message };
    case 'vote-response':
      return { ...base, voteResponse: message };
    case 'append-request': {
      const entries = message.entries.map((entry) => ({
        term: entry.term,
        type: wireTypes[entry.type],
        data: entry.data,
      }));
      const { prevLogIndex, prevLogTerm, commit, heldByAll } = message;
      return { ...base, appendRequest: { prevLogIndex, prevLogTerm, commit, heldByAll, entries } };
    }
    case 'append-response':
      return { ...base, appendResponse: message };
    case 'heartbeat-request':
      return { ...base, heartbeatRequest: message };
    case 'heartbeat-response':
      return { ...base, heartbeatResponse: message };
    case 'propose-request':
      return {
        ...base,
        proposeRequest: {
          entries: message.entries.map(({ type, data }) => ({ type: wireTypes[type], data })),
        },
      };
    case 'read-index-request':
      return { ...base, readIndexRequest: message };
    case 'read-index-response':
      return { ...base, readIndexResponse: message };
    case 'timeout-now':
      return { ...base, timeoutNow: {} };
    case 'witness-snapshot': {
      const { index, term: indexTerm, configuration } = message.meta;
      return {
        ...base,
        witnessSnapshot: { index, indexTerm, configuration: encodeConfiguration(configuration) },
      };
    }
  }
}

/**
 * null: a kind that this version does not know. Numbers beyond 2^53 come out as what no honest member sends, and the core drops
 * them.
 */
export function decodeMessage(from: MemberId, to: MemberId, wire: ReceivedMessage): Message | null {
  const base = { from, to, term: termOf(wire.term) };
  if (wire.appendRequest) return { ...base, ...appendRequest(wire.appendRequest) };
  if (wire.appendResponse) {
    const { success, index, hintIndex, hintTerm } = wire.appendResponse;
    const numbers = { index: indexOf(index), hintIndex: indexOf(hintIndex), hintTerm: termOf(hintTerm) };
    return { ...base, kind: 'append-response', success, ...numbers };
  }
  if (wire.heartbeatRequest) {
    const { commit, heldByAll } = wire.heartbeatRequest;
    const readContext = Number(wire.heartbeatRequest.readContext);
    const sentAtMs = Number(wire.heartbeatRequest.sentAtMs);
    const indexes = { commit: indexOf(commit), heldByAll: indexOf(heldByAll) };
    return { ...base, kind: 'heartbeat-request', readContext, sentAtMs, ...indexes };
  }
  if (wire.heartbeatResponse) {
    const { readContext, sentAtMs, promiseMs } = wire.heartbeatResponse;
    const numbers = {
      readContext: Number(readContext),
      sentAtMs: Number(sentAtMs),
      promiseMs: Number(promiseMs),
    };
    return { ...base, kind: 'heartbeat-response', ...numbers };
  }
  if (wire.proposeRequest) {
    const entries = wire.proposeRequest.entries.map(({ type, data }) => ({ type: entryTypeOf(type), data }));
    return { ...base, kind: 'propose-request', entries };
  }
  return decodeRare(base, wire);
}

function appendRequest(wire: NonNullable<ReceivedMessage['appendRequest']>) {
  const prevLogIndex = indexOf(wire.prevLogIndex);
  const entries = wire.entries.map((entry, offset): Entry => {
    const index = logIndex(prevLogIndex + 1 + offset);
    return { index, term: termOf(entry.term), type: entryTypeOf(entry.type), data: entry.data };
  });
  const prevLogTerm = termOf(wire.prevLogTerm);
  return {
    kind: 'append-request',
    prevLogIndex,
    prevLogTerm,
    entries,
    commit: indexOf(wire.commit),
    heldByAll: indexOf(wire.heldByAll),
  } as const;
}

function decodeRare(base: Pick<Message, 'from' | 'to' | 'term'>, wire: ReceivedMessage): Message | null {
  if (wire.readIndexRequest)
    return { ...base, kind: 'read-index-request', requestId: Number(wire.readIndexRequest.requestId) };
  if (wire.readIndexResponse) {
    const { requestId, index } = wire.readIndexResponse;
    return { ...base, kind: 'read-index-response', requestId: Number(requestId), index: indexOf(index) };
  }
  if (wire.voteRequest) {
    const { preVote, lastLogIndex, lastLogTerm, leadershipTransfer } = wire.voteRequest;
    const last = { lastLogIndex: indexOf(lastLogIndex), lastLogTerm: termOf(lastLogTerm) };
    return { ...base, kind: 'vote-request', preVote, leadershipTransfer, ...last };
  }
  if (wire.voteResponse) {
    const { preVote, granted } = wire.voteResponse;
    return { ...base, kind: 'vote-response', preVote, granted };
  }
  if (wire.witnessSnapshot) return witnessSnapshot(base, wire.witnessSnapshot);
  return wire.timeoutNow ? { ...base, kind: 'timeout-now' } : null;
}

/** null: what it says is no configuration. */
function witnessSnapshot(
  base: Pick<Message, 'from' | 'to' | 'term'>,
  wire: NonNullable<ReceivedMessage['witnessSnapshot']>,
): Message | null {
  const configuration = decodeConfiguration(wire.configuration);
  if (configuration === null) return null;
  const meta = { index: indexOf(wire.index), term: termOf(wire.indexTerm), configuration };
  return { ...base, kind: 'witness-snapshot', meta };
}

/** What a message takes in memory and on the wire, about. */
export function messageSizeBytes(message: Message): number {
  let size = 64;
  if (message.kind === 'append-request' || message.kind === 'propose-request')
    for (const { data } of message.entries) size += data.length + 16;
  if (message.kind === 'witness-snapshot') size += message.meta.configuration.directory.length;
  return size;
}
