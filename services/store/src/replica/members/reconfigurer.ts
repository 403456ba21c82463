import { randomInt } from 'node:crypto';
import { isJoint, memberId, type Configuration, type MemberId, type Raft } from '@raftsman/raft';
import type { Logger } from '@raftsman/telemetry';
import { MembershipError, ReplicaError, type Member, type MemberChange } from '../../contract.js';
import { storeLimits } from '../../limits.js';
import { planChange, type Plan, type Situation, type Target } from './changes.js';
import { encodeDirectory } from './directory.js';
import type { Membership, SelfDescription } from './membership.js';

interface Request {
  readonly change: MemberChange;
  readonly deadlineMs: number;
  readonly resolve: (member: Member) => void;
  readonly reject: (error: MembershipError | ReplicaError) => void;
}

/** A request that the core has taken. */
interface Running {
  readonly request: Request;
  readonly plan: Plan;
  /**
   * This member was the only voter: what is on its disk counts, though the new configuration commits nothing before the second
   * member runs.
   */
  readonly wasAlone: boolean;
}

/**
 * Changes the members, one change after the other, while this member leads; and writes down in the log what the members say of themselves
 * (etcd publishes attributes), so that all have the same list.
 */
export class Reconfigurer {
  readonly #raft: Raft;
  readonly #membership: Membership;
  readonly #timeoutMs: number;
  readonly #logger: Logger;
  readonly #said = new Map<MemberId, SelfDescription>();
  /** Something was said, or may have to be written down again. */
  #unwritten = true;
  #waiting: Request[] = [];
  #running: Running | null = null;

  constructor(options: {
    readonly raft: Raft;
    readonly membership: Membership;
    readonly timeoutMs: number;
    readonly self: SelfDescription;
    readonly logger: Logger;
  }) {
    this.#raft = options.raft;
    this.#membership = options.membership;
    this.#timeoutMs = options.timeoutMs;
    this.#logger = options.logger;
    this.#said.set(options.membership.self, options.self);
  }

  /** Rejects with MembershipError or ReplicaError. */
  add(change: MemberChange, nowMs: number): Promise<Member> {
    if (this.#raft.role !== 'leader') return Promise.reject(new ReplicaError('not-leader'));
    if (this.#waiting.length >= storeLimits.memberChangesMax)
      return Promise.reject(new ReplicaError('too-many-requests'));
    const deadlineMs = nowMs + this.#timeoutMs;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ change, deadlineMs, resolve, reject });
    });
  }

  /** Throws MembershipError if the change would be refused now. */
  check(change: MemberChange): void {
    planChange(change, this.#situation());
  }

  heard(member: MemberId, { name, clientUrls }: SelfDescription): void {
    if (!this.#said.has(member) && this.#said.size >= storeLimits.membersMax * 2) return;
    this.#said.set(member, { name, clientUrls });
    this.#unwritten = true;
  }

  /** Hands the core what it takes now. */
  handOver(): void {
    if (this.#raft.role !== 'leader') {
      this.#unwritten = true;
      return;
    }
    if (this.#waiting.length === 0 && !this.#unwritten) return;
    if (this.#running !== null || this.#raft.status().configurationInProgress) return;
    // Before the next change: a member that comes back without its disk must not pass for one that never ran (rebuild.ts).
    if (this.#unwritten && this.#writesDown()) return;
    const request = this.#waiting.shift();
    if (request !== undefined) this.#start(request);
  }

  /** Everything that the core was handed before is on this disk. */
  persisted(): void {
    if (this.#running?.wasAlone) this.#finish(this.#running);
  }

  /** A configuration is committed and applied. */
  applied(configuration: Configuration): void {
    this.#unwritten = true;
    const running = this.#running;
    if (running === null || isJoint(configuration)) return;
    const { voters, directory } = running.plan.target;
    const isOurs =
      sameMembers(configuration.voters, voters) && Buffer.compare(configuration.directory, directory) === 0;
    if (isOurs) this.#finish(running);
  }

  /** As time passes, and when this member leads no more. */
  expire(nowMs: number): void {
    const running = this.#running;
    if (running !== null && running.request.deadlineMs <= nowMs) {
      this.#running = null;
      running.request.reject(new ReplicaError('timeout'));
    }
    if (this.#waiting.length === 0) return;
    const leads = this.#raft.role === 'leader';
    const [late, inTime] = partition(this.#waiting, ({ deadlineMs }) => !leads || deadlineMs <= nowMs);
    this.#waiting = inTime;
    for (const { reject } of late) reject(new ReplicaError(leads ? 'timeout' : 'not-leader'));
  }

  stop(): void {
    const all = [...(this.#running === null ? [] : [this.#running.request]), ...this.#waiting];
    this.#running = null;
    this.#waiting = [];
    for (const { reject } of all) reject(new ReplicaError('stopped'));
  }

  #start(request: Request): void {
    let plan: Plan;
    try {
      plan = planChange(request.change, this.#situation());
    } catch (error) {
      if (!(error instanceof MembershipError)) throw error;
      request.reject(error);
      return;
    }
    const { voters } = this.#membership.configuration;
    const wasAlone = sameMembers(voters, [this.#membership.self]);
    const refusal = this.#raft.proposeConfiguration(withSets(plan.target));
    switch (refusal) {
      case null:
        this.#logger.info(
          {
            change: request.change.kind,
            member: plan.member.id.toString(16),
            peerUrls: plan.member.peerUrls,
          },
          'changing the members',
        );
        this.#running = { request, plan, wasAlone };
        return;
      case 'learner-not-ready':
        request.reject(
          new MembershipError(request.change.kind === 'add' ? 'learner-first' : 'learner-not-ready'),
        );
        return;
      case 'unfitting-configuration':
        request.reject(new MembershipError('not-enough-started'));
        return;
      case 'configuration-in-progress':
      case 'leader-not-ready':
      case 'no-leader':
      case 'not-a-member':
      case 'too-many-reads':
      case 'too-many-uncommitted':
      case 'witness':
        // It is about to lead, another change is not done, or too much is under way: at the next tick.
        this.#waiting.unshift(request);
    }
  }

  /** false: there is nothing to write. */
  #writesDown(): boolean {
    this.#unwritten = false;
    const corrected = this.#membership.corrected(this.#said);
    if (corrected === null) return false;
    const { voters, learners, witnesses } = this.#membership.configuration;
    const directory = encodeDirectory(corrected);
    const refusal = this.#raft.proposeConfiguration(withSets({ voters, learners, witnesses, directory }));
    if (refusal !== null) this.#unwritten = true;
    return true;
  }

  #finish({ request, plan }: Running): void {
    this.#running = null;
    const { learners } = plan.target;
    request.resolve({ ...plan.member, isLearner: learners.includes(plan.member.id) });
  }

  #situation(): Situation {
    const { progress, id: self } = this.#raft.status();
    const { configuration, directory } = this.#membership;
    return {
      configuration,
      directory,
      self,
      isActive: (id) => id === self || (progress?.get(id)?.recentlyActive ?? false),
      matchOf: (id) => progress?.get(id)?.match ?? 0,
      newId: () => unusedId([...directory.members.map(({ id }) => id), ...directory.removed]),
    };
  }
}

const sameMembers = (left: readonly MemberId[], right: readonly MemberId[]): boolean =>
  left.length === right.length && left.every((id) => right.includes(id));

const withSets = ({ voters, learners, witnesses, directory }: Target) => ({
  voters,
  learners,
  witnesses,
  directory,
});

/** Whole numbers that a double holds exactly, as those of the first members. */
function unusedId(used: readonly MemberId[]): MemberId {
  for (;;) {
    const id = memberId(randomInt(1, 2 ** 20) * 2 ** 32 + randomInt(2 ** 32));
    if (!used.includes(id)) return id;
  }
}

function partition<T>(items: readonly T[], belongs: (item: T) => boolean): [T[], T[]] {
  return [items.filter(belongs), items.filter((item) => !belongs(item))];
}
