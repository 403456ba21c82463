import { strict as assert } from 'node:assert';
import { JournalError, type Journal, type StagedSnapshot } from '@raftsman/journal';
import { term, type MemberId, type Raft, type SnapshotMeta } from '@raftsman/raft';
import type { Logger } from '@raftsman/telemetry';
import { ReplicaError } from '../contract.js';
import { KeptStates } from './kept-states.js';
import type { LogKeeper } from './log-keeper.js';
import { OutgoingState } from './peers/outgoing-state.js';
import { isWrongState } from './peers/snapshot-sender.js';
import type { PeerTransport } from './peers/transport.js';

interface Incoming {
  readonly staged: StagedSnapshot;
  readonly resolve: (accepted: boolean) => void;
  readonly reject: (error: Error) => void;
}

/** States on their way from and to this member. */
export class Snapshots {
  readonly #raft: Raft;
  readonly #journal: Journal;
  readonly #log: Pick<LogKeeper['log'], 'compactedIndex'>;
  readonly #transport: Pick<PeerTransport, 'sendSnapshot'>;
  readonly #logger: Logger;
  readonly #kept: KeptStates;
  #incoming: Incoming | null = null;
  #stopped = false;

  constructor(options: {
    readonly raft: Raft;
    readonly journal: Journal;
    readonly logKeeper: { readonly log: Pick<LogKeeper['log'], 'compactedIndex'> };
    readonly transport: Pick<PeerTransport, 'sendSnapshot'>;
    readonly logger: Logger;
  }) {
    this.#raft = options.raft;
    this.#journal = options.journal;
    this.#log = options.logKeeper.log;
    this.#transport = options.transport;
    this.#logger = options.logger;
    this.#kept = new KeptStates(options.logger);
  }

  get incomingCount(): number {
    return this.#incoming === null ? 0 : 1;
  }

  /** One is staged. Resolves when it is in use; false: not needed any more. */
  offer(from: MemberId, messageTerm: number, staged: StagedSnapshot): Promise<boolean> {
    assert(this.#incoming === null, 'one snapshot at a time');
    if (!this.#raft.offerSnapshot(from, term(messageTerm), staged.meta)) return Promise.resolve(false);
    return new Promise((resolve, reject) => {
      this.#incoming = { staged, resolve, reject };
    });
  }

  /** What the core wants to have in place of its log: what was offered, or for a witness nothing but the place where its log goes on. */
  async toInstall(meta: SnapshotMeta): Promise<StagedSnapshot> {
    if (this.#incoming === null) {
      assert(meta.configuration.witnesses.length > 0, 'who keeps data takes only what was offered');
      return (await this.#journal.stage()).finish(meta);
    }
    const { staged } = this.#incoming;
    assert(staged.meta.index === meta.index, 'the snapshot that was offered');
    return staged;
  }

  installed({ index }: SnapshotMeta): void {
    this.#logger.info(
      { index },
      this.#incoming === null ? 'the log goes on further up' : 'took over a snapshot',
    );
    this.#incoming?.resolve(true);
    this.#incoming = null;
  }

  /** Never rejects: a broken stream is reported to the core, which tries again. */
  async send(to: MemberId, messageTerm: number): Promise<void> {
    let delivered = false;
    try {
      const state =
        (await this.#kept.take(to, this.#log.compactedIndex)) ??
        new OutgoingState(await this.#journal.openView());
      delivered = await this.#sendState(to, messageTerm, state);
      const { index } = state.view.meta;
      this.#logger.info({ peer: to.toString(16), index, delivered }, 'sent a snapshot');
    } catch (error) {
      this.#logger.warn({ peer: to.toString(16), err: error }, 'a snapshot did not get through');
    }
    if (!this.#stopped) this.#raft.reportSnapshot(to, delivered ? 'delivered' : 'failed');
  }

  /** Who does not lead any more sends no more. */
  async forget(): Promise<void> {
    await this.#kept.clear();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#incoming?.reject(new ReplicaError('stopped'));
    await this.#kept.clear();
  }

  async #sendState(to: MemberId, messageTerm: number, state: OutgoingState): Promise<boolean> {
    let goesOn = false;
    try {
      return await this.#transport.sendSnapshot(to, messageTerm, state);
    } catch (error) {
      goesOn = !(error instanceof JournalError) && !isWrongState(error);
      throw error;
    } finally {
      if (goesOn && !this.#stopped && this.#raft.role === 'leader') await this.#kept.keep(to, state);
      else await state.view.close();
    }
  }
}
