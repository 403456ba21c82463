import { logIndex, memberId, term, type MemberId } from '@raftsman/raft';
import { createLogger, MetricsPage } from '@raftsman/telemetry';
import {
  MembershipError,
  ReplicaError,
  type ForwardedAnswer,
  type ForwardedCall,
  type Member,
  type Replica,
  type ReplicaErrorCode,
  type ReplicaStatus,
  type Standing,
  type StateView,
} from '../../src/contract.js';
import { createClientPort } from '../../src/client-port.js';
import {
  createEtcdServices,
  createStateMachine,
  defaultEtcdFaceConfig,
  type EtcdFaceConfig,
  type EtcdStateMachine,
} from '../../src/etcd/index.js';

/** A cluster of one (or a member made to look like a follower) whose log is only in memory: every proposal is committed and applied at once. */
export class SingleMember implements Replica {
  readonly #stateMachine: EtcdStateMachine;
  readonly #listeners = new Set<(status: ReplicaStatus) => void>();
  #status: ReplicaStatus;
  /** Set: proposals and reads are refused with it. */
  refusal: ReplicaErrorCode | null = null;
  memberList: readonly Member[];
  /** What is asked of the leader when it is another member: by default nobody can be. */
  forwarding: (call: ForwardedCall) => Promise<ForwardedAnswer> = () =>
    Promise.reject(new ReplicaError('no-leader'));
  #answer: ((call: ForwardedCall) => Promise<ForwardedAnswer>) | null = null;

  constructor(stateMachine: EtcdStateMachine, name = 'default') {
    this.#stateMachine = stateMachine;
    const id = memberId(0xabc);
    this.#status = {
      id,
      clusterId: 0xdef,
      role: 'leader',
      leader: id,
      term: term(2),
      commit: logIndex(4),
      applied: logIndex(4),
      dataSizeBytes: 20_480,
      diskLow: false,
      isLearner: false,
      isWitness: false,
    };
    const peerUrls = ['http://localhost:2380'];
    this.memberList = [{ id, name, peerUrls, clientUrls: [], isLearner: false, isWitness: false }];
  }

  async propose(data: Uint8Array, _options?: { readonly ahead?: boolean }): Promise<unknown> {
    await this.readIndex();
    const index = logIndex(this.#status.applied + 1);
    const { result } = this.#stateMachine.apply({ index, term: this.#status.term, data });
    this.#status = { ...this.#status, commit: index, applied: index };
    return result;
  }

  async readIndex(): Promise<void> {
    await Promise.resolve();
    if (this.refusal !== null) throw new ReplicaError(this.refusal);
  }

  async openStateView(): Promise<StateView> {
    await this.readIndex();
    const rows = [...this.#stateMachine.rows()];
    const { id, applied: index, term: appliedTerm } = this.#status;
    const configuration = {
      voters: [id],
      outgoing: [],
      learners: [],
      witnesses: [],
      directory: new Uint8Array(),
    };
    return {
      meta: { index, term: appliedTerm, configuration },
      rows: async function* () {
        for (const row of rows) yield row;
      },
      close: () => Promise.resolve(),
    };
  }

  async defragment(): Promise<void> {
    await this.readIndex();
  }

  status(): ReplicaStatus {
    return this.#status;
  }

  get standing(): Standing {
    const { isLearner, isWitness } = this.#status;
    if (isWitness) return 'witness';
    return isLearner ? 'learner' : 'voter';
  }

  members(): readonly Member[] {
    return this.memberList;
  }

  changeMembers(): Promise<Member> {
    return Promise.reject(new MembershipError('unhealthy'));
  }

  transferLeadership(_to: MemberId): Promise<void> {
    return Promise.reject(new ReplicaError('timeout'));
  }

  forward(call: ForwardedCall): Promise<ForwardedAnswer> {
    return this.forwarding(call);
  }

  answerForwarded(answer: (call: ForwardedCall) => Promise<ForwardedAnswer>): () => void {
    this.#answer = answer;
    return () => (this.#answer = null);
  }

  /** As a member that takes this one for the leader asks it. */
  answer(call: ForwardedCall): Promise<ForwardedAnswer> {
    return this.#answer?.(call) ?? Promise.resolve({ kind: 'not-leader' });
  }

  onStatusChange(listener: (status: ReplicaStatus) => void): () => void {
    this.#listeners.add(listener);
    listener(this.#status);
    return () => this.#listeners.delete(listener);
  }

  /** Makes believe: another role, leader or term. */
  change(status: Partial<ReplicaStatus>): void {
    this.#status = { ...this.#status, ...status };
    for (const listener of this.#listeners) listener(this.#status);
  }
}

export interface Serving {
  readonly port: number;
  readonly replica: SingleMember;
  readonly stateMachine: EtcdStateMachine;
  close(): Promise<void>;
}

/** The etcd API of such a member on a free port of 127.0.0.1. */
export async function serveSingleMember(config: Partial<EtcdFaceConfig> = {}): Promise<Serving> {
  const stateMachine = createStateMachine();
  const replica = new SingleMember(stateMachine);
  const faceConfig = { ...defaultEtcdFaceConfig, ...config };
  const logger = createLogger({ component: 'test', level: 'silent' });
  const face = createEtcdServices({ stateMachine, replica, config: faceConfig, logger });
  const { requestBytesMax, quotaBackendBytes } = faceConfig;
  const metrics = new MetricsPage();
  const server = createClientPort({
    face,
    replica,
    stateMachine,
    metrics,
    requestBytesMax,
    quotaBackendBytes,
    logger,
  });
  const [port] = await server.listen([{ address: '127.0.0.1:0', security: 'insecure' }]);
  replica.memberList = replica.memberList.map((member) => ({
    ...member,
    clientUrls: [`http://127.0.0.1:${port}`],
  }));
  return {
    port: port!,
    replica,
    stateMachine,
    close: async () => {
      face.close();
      await server.close(1_000);
    },
  };
}
