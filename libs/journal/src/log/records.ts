import { strict as assert } from 'node:assert';
import {
  logIndex,
  memberId,
  term,
  type Entry,
  type EntryType,
  type HardState,
  type LogIndex,
} from '@raftsman/raft';
import { journalLimits } from '../limits.js';
import {
  stateFromJson,
  stateToJson,
  type CompactedRecord,
  type RebuildRecord,
  type StateRecord,
  type WrittenState,
} from '../records.js';
import { getWhole, putWhole, wholeBytes } from '../whole.js';

/**
 * The records of a frame's body; each begins with its type in one byte. w: a whole number in 8 bytes, j: 4 bytes of length and JSON.
 *
 *     1 head        w data id, w sequence of the segment, w format; only at a segment's start
 *     2 hard state  w term, w vote (0: none), w commit index
 *     3 compacted   w index, w term: the log starts after it
 *     4 entry       w index, w term, 1 byte type, 4 bytes length, data; drops what was at its index and after it
 *     5 install     j state: the log is dropped, the state is that of this generation of rows
 *     6 known       j the other members' data directories, and what is to be done after a loss of data
 *     7 closed      nothing: the journal was closed in order, and all before it was synced
 */
const recordType = {
  head: 1,
  hardState: 2,
  compacted: 3,
  entry: 4,
  install: 5,
  known: 6,
  closed: 7,
} as const;

const entryTypes: readonly EntryType[] = ['normal', 'configuration'];

/** What is known of other members and of a loss of one's own data. */
export interface Known {
  readonly peers: readonly (readonly [member: number, dataId: number])[];
  readonly rebuild: RebuildRecord | null;
}

export interface SegmentHead {
  readonly dataId: number;
  readonly sequence: number;
  readonly format: number;
}

/** What becomes durable together. */
export interface LogGroup {
  readonly install: StateRecord | null;
  readonly compacted: CompactedRecord | null;
  readonly hardState: HardState;
  readonly entries: readonly Entry[];
  readonly known: Known | null;
}

export interface LogFrame {
  readonly head: SegmentHead | null;
  readonly install: Uint8Array | null;
  readonly compacted: CompactedRecord | null;
  readonly known: Uint8Array | null;
  readonly hardState: HardState;
  readonly entries: readonly Entry[];
  readonly closed: boolean;
}

export const encodeKnown = (known: Known): Uint8Array => Buffer.from(JSON.stringify(known));
const encodeInstall = (install: StateRecord): Uint8Array => Buffer.from(JSON.stringify(stateToJson(install)));

const entryOverheadBytes = 1 + 2 * wholeBytes + 1 + 4;
const jsonBytes = (json: Uint8Array | null): number => (json === null ? 0 : 5 + json.length);

export function bodyBytes({ head, install, compacted, known, entries, closed }: LogFrame): number {
  let bytes = 1 + 3 * wholeBytes + jsonBytes(install) + jsonBytes(known) + (closed ? 1 : 0);
  if (head !== null) bytes += 1 + 3 * wholeBytes;
  if (compacted !== null) bytes += 1 + 2 * wholeBytes;
  for (const { data } of entries) bytes += entryOverheadBytes + data.length;
  return bytes;
}

/** `bytes` is as long as `bodyBytes` says. */
export function encodeBody(bytes: Buffer, frame: LogFrame): void {
  const { head, install, compacted, known, hardState, entries, closed } = frame;
  let at = 0;
  if (head !== null) at = putNumbers(bytes, at, recordType.head, head.dataId, head.sequence, head.format);
  at = putJson(bytes, at, recordType.install, install);
  if (compacted !== null) at = putNumbers(bytes, at, recordType.compacted, compacted.index, compacted.term);
  at = putJson(bytes, at, recordType.known, known);
  const { term: currentTerm, vote, commit } = hardState;
  at = putNumbers(bytes, at, recordType.hardState, currentTerm, vote ?? 0, commit);
  for (const entry of entries) {
    at = putNumbers(bytes, at, recordType.entry, entry.index, entry.term);
    at = bytes.writeUInt8(entryTypes.indexOf(entry.type), at);
    at = bytes.writeUInt32BE(entry.data.length, at);
    bytes.set(entry.data, at);
    at += entry.data.length;
  }
  if (closed) at = bytes.writeUInt8(recordType.closed, at);
  assert(at === bytes.length, 'a body is as long as was reckoned');
}

function putNumbers(bytes: Buffer, offset: number, type: number, ...values: readonly number[]): number {
  let at = bytes.writeUInt8(type, offset);
  for (const value of values) at = putWhole(bytes, at, value);
  return at;
}

function putJson(bytes: Buffer, offset: number, type: number, json: Uint8Array | null): number {
  if (json === null) return offset;
  const at = bytes.writeUInt32BE(json.length, bytes.writeUInt8(type, offset));
  bytes.set(json, at);
  return at + json.length;
}

export interface RecordVisitor {
  head(head: SegmentHead): void;
  hardState(hardState: HardState): void;
  compacted(compacted: CompactedRecord): void;
  entry(entry: Entry): void;
  install(state: StateRecord): void;
  known(known: Known): void;
  closed(): void;
}

/** The frame's checksum vouches for its content. Answers whether this version knows all of it. */
export function visitRecords(body: Buffer, visitor: RecordVisitor): boolean {
  let at = 0;
  const whole = (): number => {
    at += wholeBytes;
    return getWhole(body, at - wholeBytes);
  };
  const take = (): Buffer => {
    const from = at + 4;
    at = from + body.readUInt32BE(at);
    return body.subarray(from, at);
  };
  const json = (): unknown => JSON.parse(take().toString());
  while (at < body.length) {
    const type = body.readUInt8(at);
    at += 1;
    switch (type) {
      case recordType.head:
        visitor.head({ dataId: whole(), sequence: whole(), format: whole() });
        break;
      case recordType.hardState: {
        const [currentTerm, vote, commit] = [term(whole()), whole(), logIndex(whole())];
        visitor.hardState({ term: currentTerm, vote: vote === 0 ? null : memberId(vote), commit });
        break;
      }
      case recordType.compacted:
        visitor.compacted({ index: logIndex(whole()), term: term(whole()) });
        break;
      case recordType.entry: {
        const [index, entryTerm] = [logIndex(whole()), term(whole())];
        const entryType = entryTypes[body.readUInt8(at)];
        at += 1;
        if (entryType === undefined) return false;
        // A copy: the entry outlives the segment's bytes.
        visitor.entry({ index, term: entryTerm, type: entryType, data: new Uint8Array(take()) });
        break;
      }
      case recordType.install:
        visitor.install(stateFromJson(json() as WrittenState));
        break;
      case recordType.known:
        visitor.known(json() as Known);
        break;
      case recordType.closed:
        visitor.closed();
        break;
      default:
        return false;
    }
  }
  return true;
}

/** A group in frames of bounded size. Each by itself leaves a log that keeps the invariants: a crash may take the later ones. */
export function* framesOf(group: LogGroup, lastIndex: LogIndex): Generator<LogFrame> {
  const { entries, hardState, install } = group;
  const base = install === null ? lastIndex : install.index;
  let from = 0;
  do {
    const to = endOfPart(entries, from);
    const part = from === 0 && to === entries.length ? entries : entries.slice(from, to);
    const commit = logIndex(Math.min(hardState.commit, part.at(-1)?.index ?? base));
    const first = from === 0;
    yield {
      head: null,
      install: first && install !== null ? encodeInstall(install) : null,
      compacted: first ? group.compacted : null,
      known: first && group.known !== null ? encodeKnown(group.known) : null,
      hardState: { ...hardState, commit },
      entries: part,
      closed: false,
    };
    from = to;
  } while (from < entries.length);
}

function endOfPart(entries: readonly Entry[], from: number): number {
  let bytes = 0;
  for (let to = from; to < entries.length; to++) {
    bytes += entryOverheadBytes + entries[to]!.data.length;
    if (to > from && bytes > journalLimits.frameBytesMax) return to;
  }
  return entries.length;
}
