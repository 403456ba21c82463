import { decodeConfiguration, encodeConfiguration, logIndex, term as termOf } from '@raftsman/raft';
import type { Entry, EntryType, LogIndex, MemberId, Message, Term } from '@raftsman/raft';
import { FrameReader, FrameWriter, MalformedError } from './bytes.js';
import { frameKinds } from './frames.js';

export type SentMessage = Exclude<Message, { readonly kind: 'snapshot-request' }>;

/**
 * A frame of messages holds one or more, to its end. Each is a kind (1 byte), its sender's term, and by kind what stands here in this order. Sender and
 * receiver go with the stream; states of data go by a stream of their own. Numbers are 8 bytes, little-endian, below 2^53; flags are one byte, `a|b` from
 * the lowest bit; `data` is a length (4 bytes) and so many bytes; `[...]` is a count (4 bytes) and so many times that. A type is one byte: 0 normal,
 * 1 configuration. The version of the protocol (hello.ts) stands for all of this: anything else is malformed, and nothing is skipped.
 *
 * | kind                   |                                                                         |
 * | ---------------------- | ----------------------------------------------------------------------- |
 * | 1 vote-request         | flags preVote\|leadershipTransfer, lastLogIndex, lastLogTerm            |
 * | 2 vote-response        | flags preVote\|granted                                                  |
 * | 3 append-request       | prevLogIndex, prevLogTerm, commit, heldByAll, [entry: term, type, data] |
 * | 4 append-response      | flags success, index, hintIndex, hintTerm                               |
 * | 5 heartbeat-request    | commit, readContext, heldByAll, sentAtMs                                |
 * | 6 heartbeat-response   | readContext, sentAtMs, promiseMs                                        |
 * | 7 propose-request      | [entry: type, data]                                                     |
 * | 8 read-index-request   | requestId                                                               |
 * | 9 read-index-response  | requestId, index                                                        |
 * | 10 timeout-now         |                                                                         |
 * | 11 witness-snapshot    | index, term, data: the configuration, as in configuration entries       |
 */
const kinds = {
  'vote-request': 1,
  'vote-response': 2,
  'append-request': 3,
  'append-response': 4,
  'heartbeat-request': 5,
  'heartbeat-response': 6,
  'propose-request': 7,
  'read-index-request': 8,
  'read-index-response': 9,
  'timeout-now': 10,
  'witness-snapshot': 11,
} as const satisfies Record<SentMessage['kind'], number>;

const entryTypes: readonly EntryType[] = ['normal', 'configuration'];
const proposalBytesMin = 1 + 4;
const entryBytesMin = 8 + proposalBytesMin;

/** What a message takes in memory and on the wire, about; on the wire not more, but for witness-snapshot. */
export function messageSizeBytes(message: Message): number {
  let size = 64;
  if (message.kind === 'append-request' || message.kind === 'propose-request')
    for (const { data } of message.entries) size += data.length + 16;
  if (message.kind === 'witness-snapshot') size += message.meta.configuration.directory.length;
  return size;
}

/** The whole frame. */
export function encodeMessages(messages: readonly SentMessage[]): Buffer {
  let size = 0;
  for (const message of messages) size += messageSizeBytes(message);
  const writer = new FrameWriter(frameKinds.messages, size);
  for (const message of messages) writeMessage(writer, message);
  return writer.finish();
}

function writeMessage(to: FrameWriter, message: SentMessage): void {
  to.byte(kinds[message.kind]);
  to.number(message.term);
  switch (message.kind) {
    case 'vote-request':
      to.byte(flagsOf(message.preVote, message.leadershipTransfer));
      to.number(message.lastLogIndex);
      return to.number(message.lastLogTerm);
    case 'vote-response':
      return to.byte(flagsOf(message.preVote, message.granted));
    case 'append-request':
      return writeAppend(to, message);
    case 'append-response':
      to.byte(flagsOf(message.success));
      to.number(message.index);
      to.number(message.hintIndex);
      return to.number(message.hintTerm);
    case 'heartbeat-request':
      to.number(message.commit);
      to.number(message.readContext);
      to.number(message.heldByAll);
      return to.number(message.sentAtMs);
    case 'heartbeat-response':
      to.number(message.readContext);
      to.number(message.sentAtMs);
      return to.number(message.promiseMs);
    case 'propose-request':
      to.length(message.entries.length);
      for (const entry of message.entries) writeProposal(to, entry);
      return;
    case 'read-index-request':
      return to.number(message.requestId);
    case 'read-index-response':
      to.number(message.requestId);
      return to.number(message.index);
    case 'timeout-now':
      return;
    case 'witness-snapshot':
      to.number(message.meta.index);
      to.number(message.meta.term);
      return to.bytes(encodeConfiguration(message.meta.configuration));
  }
}

const flagsOf = (first: boolean, second = false): number => (first ? 1 : 0) | (second ? 2 : 0);

type AppendRequest = Extract<Message, { readonly kind: 'append-request' }>;
type Proposal = Extract<Message, { readonly kind: 'propose-request' }>['entries'][number];

function writeAppend(to: FrameWriter, message: AppendRequest): void {
  to.number(message.prevLogIndex);
  to.number(message.prevLogTerm);
  to.number(message.commit);
  to.number(message.heldByAll);
  to.length(message.entries.length);
  for (const entry of message.entries) {
    to.number(entry.term);
    writeProposal(to, entry);
  }
}

function writeProposal(to: FrameWriter, { type, data }: Proposal): void {
  to.byte(entryTypes.indexOf(type));
  to.bytes(data);
}

/** `body`: what follows the kind of the frame. A text: why these are no messages. */
export function decodeMessages(from: MemberId, to: MemberId, body: Buffer): readonly Message[] | string {
  const reader = new FrameReader(body);
  const messages: Message[] = [];
  try {
    while (reader.leftBytes > 0) messages.push(readMessage(from, to, reader, body.buffer.byteLength));
  } catch (error) {
    if (error instanceof MalformedError) return error.message;
    throw error;
  }
  return messages;
}

/** Members of each object are written one by one: to spread a common part into it costs Node.js 20 some 8 µs. */
function readMessage(from: MemberId, to: MemberId, of: FrameReader, sharedBytes: number): Message {
  const kind = of.byte();
  const term = readTerm(of);
  switch (kind) {
    case kinds['append-request']:
      return readAppend(from, to, term, of, sharedBytes);
    case kinds['append-response']: {
      const success = of.flags(1) === 1;
      const index = readIndex(of);
      const hintIndex = readIndex(of);
      return { from, to, term, kind: 'append-response', success, index, hintIndex, hintTerm: readTerm(of) };
    }
    case kinds['heartbeat-request']: {
      const commit = readIndex(of);
      const readContext = of.number();
      const heldByAll = readIndex(of);
      return {
        from,
        to,
        term,
        kind: 'heartbeat-request',
        commit,
        readContext,
        heldByAll,
        sentAtMs: of.number(),
      };
    }
    case kinds['heartbeat-response']: {
      const readContext = of.number();
      const sentAtMs = of.number();
      return { from, to, term, kind: 'heartbeat-response', readContext, sentAtMs, promiseMs: of.number() };
    }
    case kinds['propose-request']: {
      const entries = Array.from({ length: of.count(proposalBytesMin) }, () => readProposal(of));
      return { from, to, term, kind: 'propose-request', entries: unpinned(entries, sharedBytes) };
    }
    default:
      return readRare(kind, from, to, term, of);
  }
}

function readAppend(
  from: MemberId,
  to: MemberId,
  term: Term,
  of: FrameReader,
  sharedBytes: number,
): AppendRequest {
  const prevLogIndex = readIndex(of);
  const prevLogTerm = readTerm(of);
  const commit = readIndex(of);
  const heldByAll = readIndex(of);
  const read: Entry[] = [];
  for (let left = of.count(entryBytesMin); left > 0; left -= 1) {
    const index = logIndex(prevLogIndex + 1 + read.length);
    const entryTerm = readTerm(of);
    const { type, data } = readProposal(of);
    read.push({ index, term: entryTerm, type, data });
  }
  const entries = unpinned(read, sharedBytes);
  return { from, to, term, kind: 'append-request', prevLogIndex, prevLogTerm, entries, commit, heldByAll };
}

function readRare(kind: number, from: MemberId, to: MemberId, term: Term, of: FrameReader): Message {
  switch (kind) {
    case kinds['read-index-request']:
      return { from, to, term, kind: 'read-index-request', requestId: of.number() };
    case kinds['read-index-response']:
      return { from, to, term, kind: 'read-index-response', requestId: of.number(), index: readIndex(of) };
    case kinds['vote-request']: {
      const flags = of.flags(2);
      const leadershipTransfer = (flags & 2) !== 0;
      const preVote = (flags & 1) !== 0;
      const lastLogIndex = readIndex(of);
      return {
        from,
        to,
        term,
        kind: 'vote-request',
        preVote,
        leadershipTransfer,
        lastLogIndex,
        lastLogTerm: readTerm(of),
      };
    }
    case kinds['vote-response']: {
      const flags = of.flags(2);
      return {
        from,
        to,
        term,
        kind: 'vote-response',
        preVote: (flags & 1) !== 0,
        granted: (flags & 2) !== 0,
      };
    }
    case kinds['witness-snapshot']: {
      const at = { index: readIndex(of), term: readTerm(of) };
      const configuration = decodeConfiguration(of.bytes());
      if (configuration === null) throw new MalformedError('a configuration that is none');
      return { from, to, term, kind: 'witness-snapshot', meta: { ...at, configuration } };
    }
    case kinds['timeout-now']:
      return { from, to, term, kind: 'timeout-now' };
    default:
      throw new MalformedError(`message kind ${kind} is not known`);
  }
}

const readIndex = (of: FrameReader): LogIndex => logIndex(of.number());
const readTerm = (of: FrameReader): Term => termOf(of.number());

function readProposal(of: FrameReader): Proposal {
  const type = entryTypes[of.byte()];
  if (type === undefined) throw new MalformedError('an entry of a type that is not known');
  return { type, data: of.bytes() };
}

/**
 * What is read shares the memory that it came in, `sharedBytes` of it. Entries stay in the log for thousands of others: they may keep that memory only if they
 * are at least half of it. Of a chunk in which a small entry came with much else they get a copy, one for all.
 */
function unpinned<T extends Proposal>(entries: readonly T[], sharedBytes: number): readonly T[] {
  if (entries.length === 0) return entries;
  let dataBytes = 0;
  for (const { data } of entries) dataBytes += data.length;
  if (dataBytes * 2 >= sharedBytes) return entries;
  const copy = Buffer.allocUnsafeSlow(dataBytes);
  let end = 0;
  // Nobody has seen them yet; a spread into new ones would take several microseconds each.
  for (const entry of entries as readonly { data: Uint8Array }[]) {
    const start = end;
    end += entry.data.length;
    copy.set(entry.data, start);
    entry.data = copy.subarray(start, end);
  }
  return entries;
}
