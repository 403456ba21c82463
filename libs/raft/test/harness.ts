import { MemoryLog, configurationOf, createRaft, logIndex, memberId, term } from '@raftsman/raft';
import type {
  Entry,
  HardState,
  MemberId,
  Message,
  MessageKind,
  Raft,
  RaftConfig,
  Ready,
} from '@raftsman/raft';

/** One member with an instant disk; the test plays all the others. */
export class Member {
  readonly raft: Raft;
  readonly log: MemoryLog;
  readonly sent: Message[] = [];
  readonly applied: Entry[] = [];
  readonly reads: { requestId: number; index: number }[] = [];
  hardState: HardState;

  constructor(options: {
    readonly voters?: number;
    readonly terms?: readonly number[];
    readonly term?: number;
    readonly vote?: number | null;
    /** In whose term it is. */
    readonly rebuildUntil?: number;
    readonly config?: Partial<RaftConfig>;
  }) {
    const { voters = 3, terms = [] } = options;
    const configuration = configurationOf(Array.from({ length: voters }, (_, at) => memberId(at + 1)));
    this.log = new MemoryLog({ index: logIndex(0), term: term(0), configuration }, entriesOf(terms));
    const vote = options.vote ?? null;
    this.hardState = {
      term: term(options.term ?? terms.at(-1) ?? 0),
      vote: vote === null ? null : memberId(vote),
      commit: logIndex(0),
    };
    this.raft = createRaft(
      { ...defaults, ...options.config },
      {
        hardState: this.hardState,
        configuration,
        applied: logIndex(0),
        ...(options.rebuildUntil !== undefined && {
          rebuild: { until: logIndex(options.rebuildUntil), from: this.hardState.term },
        }),
      },
      this.log,
    );
  }

  tick(times: number): void {
    for (let tick = 0; tick < times; tick += 1) this.raft.tick();
    this.drain();
  }

  step(message: Message): void {
    this.raft.step(message);
    this.drain();
  }

  /** Steps 2 to 5 of the host loop at once. */
  drain(): void {
    while (this.raft.hasReady()) this.finish(this.raft.ready());
    this.raft.checkInvariants();
  }

  finish(ready: Ready): void {
    this.sent.push(...ready.messages);
    if (ready.snapshot !== null) this.log.restore(ready.snapshot);
    this.log.append(ready.entries);
    this.hardState = ready.hardState ?? this.hardState;
    this.sent.push(...ready.messagesAfterPersist);
    this.applied.push(...ready.committedEntries);
    this.reads.push(...ready.readStates);
    this.raft.advance(ready);
  }

  /** What was sent since the last call, of one kind. */
  take<Kind extends MessageKind>(kind: Kind): Extract<Message, { readonly kind: Kind }>[] {
    const taken = this.sent.filter((message) => message.kind === kind);
    this.sent.length = 0;
    return taken as Extract<Message, { readonly kind: Kind }>[];
  }

  /** Wins the election that its timeout starts, by the votes of all others. */
  lead(): void {
    this.tick(10);
    for (const request of this.take('vote-request')) {
      this.step({
        kind: 'vote-response',
        from: request.to,
        to: id,
        term: request.term,
        preVote: true,
        granted: true,
      });
    }
    for (const request of this.take('vote-request')) {
      this.step({
        kind: 'vote-response',
        from: request.to,
        to: id,
        term: request.term,
        preVote: false,
        granted: true,
      });
    }
  }

  acknowledge(from: number, index: number): void {
    this.step(this.acknowledgement(from, index));
  }

  /** In the member's term: `from` holds its log up to `index`. */
  acknowledgement(from: number, index: number): Message {
    return {
      ...acknowledgement,
      from: memberId(from),
      term: this.raft.status().term,
      index: logIndex(index),
    };
  }
}

export const id = memberId(1);

export const defaults: RaftConfig = {
  id,
  electionTicks: 10,
  heartbeatTicks: 1,
  preVote: true,
  checkQuorum: true,
  appendBytesMax: 1 << 20,
  inflightAppendsMax: 4,
  uncommittedBytesMax: 1 << 20,
  committedBytesMax: 1 << 20,
  random: () => 0,
};

const acknowledgement = {
  kind: 'append-response',
  to: id,
  success: true,
  hintIndex: logIndex(0),
  hintTerm: term(0),
} as const;

export const entriesOf = (terms: readonly number[], from = 1): Entry[] =>
  terms.map((each, at) => ({
    index: logIndex(from + at),
    term: term(each),
    type: 'normal',
    data: new Uint8Array(0),
  }));

export function voteRequest(
  from: number,
  currentTerm: number,
  last: readonly [index: number, term: number],
  preVote = false,
): Message {
  return {
    kind: 'vote-request',
    from: memberId(from),
    to: id,
    term: term(currentTerm),
    preVote,
    lastLogIndex: logIndex(last[0]),
    lastLogTerm: term(last[1]),
    leadershipTransfer: false,
  };
}

export function append(
  from: MemberId | number,
  currentTerm: number,
  prev: readonly [index: number, term: number],
  terms: readonly number[] = [],
  commit = 0,
): Message {
  return {
    kind: 'append-request',
    from: memberId(from),
    to: id,
    term: term(currentTerm),
    prevLogIndex: logIndex(prev[0]),
    prevLogTerm: term(prev[1]),
    entries: entriesOf(terms, prev[0] + 1),
    commit: logIndex(commit),
    heldByAll: logIndex(0),
  };
}

export const proposal = (sizeBytes: number): { type: 'normal'; data: Uint8Array } => ({
  type: 'normal',
  data: new Uint8Array(sizeBytes),
});
