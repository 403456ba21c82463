import { configurationOf, memberId } from '@raftsman/raft';
import type { MemberId, Message } from '@raftsman/raft';
import { crash } from './crash.js';
import { SimulatedMember } from './member.js';
import { SimulatedNetwork } from './network.js';
import { Durability } from './durability.js';
import { Oracle, Violation } from './oracle.js';
import type { Mutation, Plan } from './plan.js';
import type { Random } from './random.js';
import { Timeline } from './timeline.js';
import { noCounts } from './world.js';
import type { World } from './world.js';

/** Over a hundred times what a seed sends on average: more is members answering each other without end. */
const messagesMax = 200_000;

/** Members, what is between them, and who asks them for something. */
export class SimulatedCluster implements World {
  readonly plan: Plan;
  readonly mutation: Mutation;
  readonly random: Random;
  readonly timeline = new Timeline();
  readonly counts = noCounts();
  readonly oracle: Oracle;
  readonly network: SimulatedNetwork;
  /** All that ever ran. */
  readonly members: SimulatedMember[] = [];
  readonly durability: Durability;
  /** Who was heard, by whom. */
  readonly #met = new Set<string>();
  #healed = false;
  #requestId = 0;
  #proposal = 0;

  constructor(plan: Plan, random: Random, mutation: Mutation) {
    this.plan = plan;
    this.random = random;
    this.mutation = mutation;
    const voters = Array.from({ length: plan.memberCount }, (_, at) => memberId(at + 1));
    const witnesses = voters.slice(plan.memberCount - plan.witnessCount);
    const configuration = configurationOf(voters, { witnesses });
    this.durability = new Durability(this.members);
    this.oracle = new Oracle(plan.diskLostAtMs > 0 ? null : this.durability);
    for (const id of voters) {
      this.members.push(new SimulatedMember(id, this, configuration, witnesses.includes(id)));
    }
    this.network = new SimulatedNetwork(this.timeline, random, plan, (message) => this.#deliver(message));
    for (const member of this.members) member.start();
  }

  /** The next id that nobody had; null: enough have joined. */
  get spare(): MemberId | null {
    const { memberCount, spareCount } = this.plan;
    return this.members.length < memberCount + spareCount ? memberId(this.members.length + 1) : null;
  }

  /** A new process that knows nobody yet. */
  join(id: MemberId, isWitness: boolean): void {
    const member = new SimulatedMember(id, this, configurationOf([]), isWitness);
    this.members.push(member);
    member.start();
  }

  member(id: MemberId): SimulatedMember {
    const member = this.members[id - 1];
    if (member === undefined)
      throw new Violation('core invariants', `a message for ${id}, who does not exist`);
    return member;
  }

  send(message: Message): void {
    this.counts.messages += 1;
    if (this.counts.messages > messagesMax)
      throw new Violation('liveness', `more than ${messagesMax} messages`);
    if (message.kind === 'witness-snapshot') this.#watchSacrifice(message);
    if (message.kind === 'snapshot-request') this.#streamSnapshot(message);
    else this.network.send(message);
  }

  #deliver(message: Message): void {
    const { from, to } = message;
    this.#met.add(`${from} ${to}`);
    this.member(to).act((raft) => raft.step(message));
  }

  hasMet(member: MemberId, other: MemberId): boolean {
    return this.#met.has(`${other} ${member}`);
  }

  /** A leader that compacted more than others hold has nothing else to give to a witness. */
  #watchSacrifice({ from, meta }: Extract<Message, { kind: 'witness-snapshot' }>): void {
    if (this.member(from).disk.log.compactedIndex >= meta.index) this.durability.sacrificed(meta.index);
  }

  /** The host's own stream. It takes a while and may break; the leader always learns that it ended, not always how. */
  #streamSnapshot({ from, to, term, meta }: Extract<Message, { kind: 'snapshot-request' }>): void {
    if (this.member(from).isWitness || this.member(to).isWitness)
      throw new Violation('core invariants', `${from} sends a state to ${to}: one of them has none`);
    const tookMs = this.#healed ? 1 : 1 + this.random.below(60);
    this.timeline.after(tookMs, () => {
      const arrives = this.member(to).isUp && this.network.isOpen(from, to);
      if (arrives) this.member(to).act((raft) => raft.offerSnapshot(from, term, meta));
      const outcome = arrives && this.network.isOpen(to, from) ? 'delivered' : 'failed';
      this.member(from).act((raft) => raft.reportSnapshot(to, outcome));
    });
  }

  diskSyncMs(): number {
    return this.#healed ? 1 : 1 + this.random.below(this.plan.diskSyncMsMax);
  }

  leaderElected(id: MemberId): void {
    if (this.#healed || !this.random.chance(this.plan.newLeaderDies)) return;
    const unheard = this.random.chance(0.5);
    if (unheard) for (const other of this.members) if (other.id !== id) this.network.cut(id, other.id);
    this.timeline.after(1 + this.random.below(4 * this.plan.messageDelayMsMax), () => {
      if (this.#healed) return;
      crash(this, this.member(id));
      if (unheard) this.network.mend();
    });
  }

  leaderCommitted(id: MemberId): void {
    if (this.#healed || !this.random.chance(this.plan.leaderDiesAtCommit)) return;
    this.timeline.after(this.random.below(3), () => {
      if (!this.#healed) crash(this, this.member(id));
    });
  }

  /** Proposes at any member, so that followers forward. */
  propose(count: number): readonly Uint8Array[] {
    const proposals = Array.from({ length: count }, () => {
      this.#proposal += 1;
      return new Uint8Array(8 + (this.#proposal % 40));
    });
    this.counts.proposals += count;
    const entries = proposals.map((data) => ({ type: 'normal' as const, data }));
    this.random.pick(this.members).act((raft) => void raft.propose(entries));
    return proposals;
  }

  read(): void {
    const requestId = (this.#requestId += 1);
    this.oracle.readAsked(requestId);
    const asked = this.random.chance(0.5) ? this.random.pick(this.members) : this.#believer();
    asked.read(requestId);
  }

  /** Somebody who leads, perhaps only in its own belief. */
  #believer(): SimulatedMember {
    const believers = this.members.filter((member) => member.isLeader);
    return this.random.pick(believers.length > 0 ? believers : this.members);
  }

  heal(): void {
    this.#healed = true;
    this.network.heal();
    this.#loseForGood();
    for (const member of this.members) {
      member.resume();
      if (!member.isUp && !member.isGone) member.start();
    }
  }

  #loseForGood(): void {
    const keepData = this.members.filter((member) => !member.isWitness);
    const losable = Math.min(this.plan.dataVotersLost, keepData.length - 1);
    for (const member of this.random.shuffled(keepData).slice(0, losable)) {
      member.destroy();
      for (const other of this.members) other.act((raft) => raft.reportUnreachable(member.id));
    }
  }

  get isHealed(): boolean {
    return this.#healed;
  }
}
