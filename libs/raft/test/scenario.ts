import {
  MemoryLog,
  configurationOf,
  createRaft,
  decodeConfiguration,
  logIndex,
  memberId,
  term,
} from '@raftsman/raft';
import type { Configuration, Entry, HardState, MemberId, Message, Raft, Ready } from '@raftsman/raft';

/** Commands over a small cluster whose disks are instant and whose messages wait in order until they are delivered. */

interface Host {
  readonly id: MemberId;
  readonly log: MemoryLog;
  readonly witness: boolean;
  /** What it starts with: that of its state machine. */
  configuration: Configuration;
  hardState: HardState;
  applied: number;
  raft: Raft | null;
  /** What `random` gives, in turn; then 0. */
  draws: number[];
  seen: string;
}

const text = new TextDecoder();
const describeEntries = (entries: readonly Entry[]): string =>
  entries
    .map(({ index, term: of, type }) => `${index}/${of}${type === 'normal' ? '' : ' (configuration)'}`)
    .join(' ');

const describeHeld = ({ heldByAll }: { readonly heldByAll: number }): string =>
  heldByAll > 0 ? `, held by all up to ${heldByAll}` : '';

function configurationIn({ data }: Entry): Configuration {
  const configuration = decodeConfiguration(data);
  if (configuration === null) throw new Error('an entry of a configuration holds none');
  return configuration;
}

const describeData = (entry: Entry): string =>
  entry.type === 'normal' ? text.decode(entry.data) : describeConfiguration(configurationIn(entry));

function describeConfiguration(configuration: Configuration): string {
  const { voters, outgoing, learners, witnesses } = configuration;
  const parts = Object.entries({ voters, outgoing, learners, witnesses });
  return parts.flatMap(([name, ids]) => (ids.length > 0 ? [`${name} ${ids.join(' ')}`] : [])).join(', ');
}

/** One line for each kind, in the thesis' words. */
function describeMessage(message: Message): string {
  const head = `${message.from} -> ${message.to} ${message.kind}, term ${message.term}`;
  switch (message.kind) {
    case 'vote-request':
      return `${head}${message.preVote ? ' (pre-vote)' : ''}${message.leadershipTransfer ? ' (transfer)' : ''}, last ${message.lastLogIndex}/${message.lastLogTerm}`;
    case 'vote-response':
      return `${head}${message.preVote ? ' (pre-vote)' : ''}, ${message.granted ? 'granted' : 'refused'}`;
    case 'append-request':
      return `${head}, after ${message.prevLogIndex}/${message.prevLogTerm} [${describeEntries(message.entries)}], commit ${message.commit}${describeHeld(message)}`;
    case 'append-response':
      return message.success
        ? `${head}, holds ${message.index}`
        : `${head}, refuses after ${message.index}, may match ${message.hintIndex}/${message.hintTerm}`;
    case 'heartbeat-request':
      return `${head}, commit ${message.commit}, reads ${message.readContext}${describeHeld(message)}`;
    case 'heartbeat-response':
      return `${head}, reads ${message.readContext}`;
    case 'snapshot-request':
    case 'witness-snapshot':
      return `${head}, up to ${message.meta.index}/${message.meta.term}`;
    case 'propose-request':
      return `${head}, ${message.entries.length} entries`;
    case 'read-index-response':
      return `${head}, index ${message.index}`;
    case 'read-index-request':
    case 'timeout-now':
      return head;
  }
}

export class Scenario {
  readonly #hosts = new Map<number, Host>();
  #queue: Message[] = [];
  readonly #bootstrap = new Set<number>();
  readonly #cut = new Set<number>();
  #out: string[] = [];
  #requests = 0;

  /** Runs one command; answers what happened, one event per line. */
  run(command: string): string[] {
    this.#out = [];
    const [name = '', ...rest] = command.split(' ');
    const numbers = rest.map(Number);
    const [first = 0, second = 0] = numbers;
    switch (name) {
      case 'member': // member <id> [witness] terms <term of entry 1> <term of entry 2> ... [at <current term>]
        this.#addMember(first, rest.slice(1), false);
        break;
      case 'joins': // joins <id> [witness]: a new member with nothing, that nobody knows yet
        this.#addMember(first, ['terms', ...rest.filter((word) => word === 'witness')], true);
        break;
      case 'configure': // configure <leader> voters <id>... [learners <id>...] [witnesses <id>...]
        this.#configure(first, rest.slice(1));
        break;
      case 'configuration': // configuration <id>: what is in force there
        this.#out.push(this.#describeConfiguration(this.#host(first)));
        break;
      case 'start': // start [<id>]: all, or one that crashed
        for (const host of first > 0 ? [this.#host(first)] : this.#hosts.values()) this.#start(host);
        break;
      case 'crash': // crash <id>
        this.#host(first).raft = null;
        break;
      case 'draws': // draws <id> <number>...: what chance gives that member next
        this.#host(first).draws = numbers.slice(1);
        break;
      case 'tick': // tick <id> [<times>]
        for (let times = Math.max(1, second); times > 0; times -= 1) this.#act(first, (raft) => raft.tick());
        break;
      case 'deliver': // deliver <from> <to>: the oldest message on that way
        this.#deliverOne((message) => message.from === first && message.to === second);
        break;
      case 'settle': // all messages, and those that they cause
        while (this.#deliverOne(() => true));
        break;
      case 'quiet': // the same, telling only what the members do
        while (this.#deliverOne(() => true, true));
        break;
      case 'lose': // lose <id>: the messages that wait from and to a member
        this.#queue = this.#queue.filter(({ from, to }) => from !== first && to !== first);
        break;
      case 'cut': // cut <id>...: off from everybody
        for (const id of numbers) this.#cut.add(id);
        break;
      case 'mend':
        this.#cut.clear();
        break;
      case 'propose': // propose <id> <text>
        this.#act(first, (raft) => {
          const refusal = raft.propose([{ type: 'normal', data: new TextEncoder().encode(rest[1] ?? '') }]);
          if (refusal !== null) this.#out.push(`${first} refuses: ${refusal}`);
        });
        break;
      case 'read': // read <id>
        this.#act(first, (raft) => {
          const refusal = raft.readIndex((this.#requests += 1));
          if (refusal !== null) this.#out.push(`${first} refuses: ${refusal}`);
        });
        break;
      case 'compact': // compact <id> <index>
        this.#compact(this.#host(first), second);
        break;
      case 'transfer': // transfer <leader> <to>
        this.#act(first, (raft) => raft.transferLeadership(memberId(second)));
        break;
      case 'unreachable': // unreachable <id> <peer>: its connection to peer broke
        this.#act(first, (raft) => raft.reportUnreachable(memberId(second)));
        break;
      case 'status':
        for (const host of this.#hosts.values()) this.#out.push(this.#describe(host));
        break;
      default:
        throw new Error(`no such command: ${command}`);
    }
    return this.#out;
  }

  #host(id: number): Host {
    const host = this.#hosts.get(id);
    if (host === undefined) throw new Error(`no member ${id}`);
    return host;
  }

  #addMember(id: number, words: readonly string[], joins: boolean): void {
    const witness = words.includes('witness');
    const numbers = words.filter((word) => word !== 'terms' && word !== 'witness');
    const at = numbers.indexOf('at');
    const terms = (at === -1 ? numbers : numbers.slice(0, at)).map(Number);
    const currentTerm = at === -1 ? (terms.at(-1) ?? 0) : Number(numbers[at + 1]);
    const configuration = configurationOf([]);
    const none = { index: logIndex(0), term: term(0), configuration };
    const entries = terms.map((each, before): Entry => {
      return { index: logIndex(before + 1), term: term(each), type: 'normal', data: new Uint8Array(0) };
    });
    const hardState = { term: term(currentTerm), vote: null, commit: logIndex(0) };
    const log = new MemoryLog(none, entries);
    const start = { applied: 0, raft: null, draws: [], seen: '' };
    this.#hosts.set(id, { id: memberId(id), log, witness, configuration, hardState, ...start });
    if (!joins) this.#bootstrap.add(id);
  }

  /** Those that were there from the start. */
  #bootstrapConfiguration(): Configuration {
    const hosts = [...this.#hosts.values()].filter(({ id }) => this.#bootstrap.has(id));
    const witnesses = hosts.filter(({ witness }) => witness).map(({ id }) => id);
    return configurationOf(
      hosts.map(({ id }) => id),
      { witnesses },
    );
  }

  #configure(id: number, words: readonly string[]): void {
    const lists: Record<string, MemberId[]> = { voters: [], learners: [], witnesses: [] };
    let list: MemberId[] = [];
    for (const word of words) {
      if (word in lists) list = lists[word] ?? [];
      else list.push(memberId(Number(word)));
    }
    this.#act(id, (raft) => {
      const refusal = raft.proposeConfiguration(configurationOf(lists['voters'] ?? [], lists));
      if (refusal !== null) this.#out.push(`${id} refuses: ${refusal}`);
    });
  }

  #start(host: Host): void {
    if (host.applied === 0 && this.#bootstrap.has(host.id))
      host.configuration = this.#bootstrapConfiguration();
    host.raft = createRaft(
      {
        id: host.id,
        electionTicks: 10,
        heartbeatTicks: 2,
        preVote: true,
        checkQuorum: true,
        witness: host.witness,
        appendBytesMax: 1,
        inflightAppendsMax: 8,
        uncommittedBytesMax: 10_000,
        committedBytesMax: 10_000,
        random: (below) => Math.min(host.draws.shift() ?? 0, below - 1),
      },
      {
        hardState: host.hardState,
        configuration: host.configuration,
        applied: logIndex(host.applied),
      },
      host.log,
    );
    host.seen = `follower in term ${host.hardState.term}`;
  }

  #act(id: number, what: (raft: Raft) => void): void {
    const host = this.#host(id);
    const { raft } = host;
    if (raft === null) return;
    what(raft);
    while (raft.hasReady()) this.#handle(host, raft, raft.ready());
    raft.checkInvariants();
    this.#tellRole(host, raft);
  }

  #handle(host: Host, raft: Raft, ready: Ready): void {
    this.#queue.push(...ready.messages);
    if (ready.snapshot !== null) {
      host.log.restore(ready.snapshot);
      host.applied = ready.snapshot.index;
      host.configuration = ready.snapshot.configuration;
      this.#out.push(`${host.id} restores the snapshot up to ${ready.snapshot.index}`);
    }
    host.log.append(ready.entries);
    host.hardState = ready.hardState ?? host.hardState;
    this.#queue.push(...ready.messagesAfterPersist);
    for (const entry of ready.committedEntries) {
      host.applied = entry.index;
      this.#out.push(`${host.id} applies ${entry.index}/${entry.term} ${describeData(entry)}`.trimEnd());
      if (entry.type === 'configuration') host.configuration = configurationIn(entry);
    }
    for (const { requestId, index } of ready.readStates) {
      this.#out.push(`${host.id} may serve read ${requestId} from ${index} on`);
    }
    raft.advance(ready);
  }

  #tellRole(host: Host, raft: Raft): void {
    const { role, term: currentTerm } = raft.status();
    const now = `${role} in term ${currentTerm}`;
    if (now !== host.seen) this.#out.push(`${host.id} is ${now}`);
    host.seen = now;
  }

  #deliverOne(wanted: (message: Message) => boolean, silent = false): boolean {
    const at = this.#queue.findIndex(wanted);
    const message = this.#queue[at];
    if (message === undefined) return false;
    this.#queue.splice(at, 1);
    const { from, to } = message;
    const lost = this.#cut.has(from) || this.#cut.has(to) || this.#host(to).raft === null;
    if (!silent) this.#out.push(`${lost ? 'lost: ' : ''}${describeMessage(message)}`);
    if (message.kind === 'snapshot-request') {
      if (!lost) this.#act(to, (raft) => void raft.offerSnapshot(from, message.term, message.meta));
      this.#act(from, (raft) => raft.reportSnapshot(to, lost ? 'failed' : 'delivered'));
    } else if (!lost) {
      this.#act(to, (raft) => raft.step(message));
    }
    return true;
  }

  #compact({ log, configuration }: Host, index: number): void {
    const appliedTerm = log.termAt(logIndex(index)) ?? term(0);
    log.snapshotTaken({
      index: logIndex(index),
      term: appliedTerm,
      configuration,
    });
    log.compact(logIndex(index));
  }

  #describeConfiguration({ id, raft }: Host): string {
    if (raft === null) return `${id}: down`;
    const { configuration, configurationInProgress } = raft.status();
    return `${id}: ${describeConfiguration(configuration)}${configurationInProgress ? ' (in progress)' : ''}`;
  }

  #describe({ id, raft, log }: Host): string {
    if (raft === null) return `${id}: down`;
    const { role, term: currentTerm, leader, commit } = raft.status();
    const terms: number[] = [];
    for (let at = log.compactedIndex + 1; at <= log.lastIndex; at += 1)
      terms.push(log.termAt(logIndex(at)) ?? 0);
    const compacted = log.compactedIndex > 0 ? `(${log.compactedIndex}) ` : '';
    return `${id}: ${role}, term ${currentTerm}, leader ${leader ?? '-'}, commit ${commit}, log ${compacted}${terms.join(' ')}`;
  }
}

/** A block is prose (# lines) and commands, then `----` and what they make happen. */
export function rewriteScenario(source: string): string {
  const scenario = new Scenario();
  const blocks = source.trimEnd().split(/\n{2,}/);
  return `${blocks.map((block) => rewriteBlock(block, scenario)).join('\n\n')}\n`;
}

function rewriteBlock(block: string, scenario: Scenario): string {
  const lines = block.split('\n');
  const end = lines.indexOf('----');
  const input = end === -1 ? lines : lines.slice(0, end);
  const output = input
    .filter((line) => line !== '' && !line.startsWith('#'))
    .flatMap((line) => scenario.run(line));
  return output.length === 0 ? input.join('\n') : [...input, '----', ...output].join('\n');
}
