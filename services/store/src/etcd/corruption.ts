import { encodeAlarmCommand, type HashClaim } from './alarm-rows.js';
import { proposeEncoded, storeOf, type Context } from './context.js';
import { toEtcdError } from './errors.js';
import { hashKv } from './hash-kv.js';
import type { WatchPump } from './watch-pump.js';

/**
 * Finds members whose keys have parted from the others': every so often the leader hashes its keys at a revision and puts what it found into the
 * log; whoever applies that hashes its own keys at the same revision, and raises CORRUPT for itself if they differ. While nothing is written
 * nothing is hashed. A member that cannot compare (it has compacted that revision since) leaves it to the next time.
 */
export class CorruptionKeeper {
  readonly #context: Context;
  readonly #pump: WatchPump;
  readonly #written = (): void => this.#look();
  #timer: NodeJS.Timeout | undefined;
  #checkedRevision: number;
  #checkedCompaction: number;
  /** The newest one that waits, while an earlier one is being compared. */
  #claim: HashClaim | null = null;
  #comparing = false;
  #closed = false;

  constructor(context: Context, pump: WatchPump) {
    this.#context = context;
    this.#pump = pump;
    this.#checkedRevision = storeOf(context).revision;
    this.#checkedCompaction = storeOf(context).compactRevision;
    context.stateMachine.alarms.onClaim = (claim) => this.#compareSoon(claim);
    pump.listen(this.#written);
  }

  close(): void {
    this.#closed = true;
    this.#pump.ignore(this.#written);
    this.#context.stateMachine.alarms.onClaim = null;
    clearTimeout(this.#timer);
  }

  #look(): void {
    const { corruptCheckTimeMs, compactHashCheck } = this.#context.config;
    const { compactRevision } = storeOf(this.#context);
    if (compactHashCheck && compactRevision !== this.#checkedCompaction) {
      this.#checkedCompaction = compactRevision;
      void this.#claimOwn();
    } else if (corruptCheckTimeMs > 0) {
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        if (storeOf(this.#context).revision !== this.#checkedRevision) void this.#claimOwn();
      }, corruptCheckTimeMs);
    }
  }

  /** Never rejects but for a bug. */
  async #claimOwn(): Promise<void> {
    const { replica, logger } = this.#context;
    const { role, id } = replica.status();
    if (role !== 'leader' || this.#closed) return;
    try {
      const found = await hashKv(() => storeOf(this.#context), 0);
      this.#checkedRevision = found.revision;
      const claim = { kind: 'hash-claim', member: BigInt(id), ...found } as const;
      await proposeEncoded(this.#context, encodeAlarmCommand(claim));
    } catch (error) {
      if (toEtcdError(error) === undefined) throw error;
      logger.debug({ err: error }, 'the keys were not compared this time');
    }
  }

  #compareSoon(claim: HashClaim): void {
    if (this.#closed || claim.member === BigInt(this.#context.replica.status().id)) return;
    this.#claim = claim;
    if (!this.#comparing) void this.#compareAll();
  }

  /** Never rejects but for a bug. */
  async #compareAll(): Promise<void> {
    this.#comparing = true;
    for (let claim = this.#claim; claim !== null && !this.#closed; claim = this.#claim) {
      this.#claim = null;
      await this.#compare(claim);
    }
    this.#comparing = false;
  }

  async #compare(claim: HashClaim): Promise<void> {
    const { logger, replica } = this.#context;
    try {
      const mine = await hashKv(() => storeOf(this.#context), claim.revision);
      if (mine.compactRevision !== claim.compactRevision || mine.hash === claim.hash) return;
      logger.error(
        { ...claim, member: claim.member.toString(16), mine: mine.hash },
        "the keys of this member differ from the leader's: raising the CORRUPT alarm",
      );
      const member = BigInt(replica.status().id);
      await proposeEncoded(this.#context, encodeAlarmCommand({ kind: 'activate', member, alarm: 'CORRUPT' }));
    } catch (error) {
      if (toEtcdError(error) === undefined) throw error;
      logger.debug({ err: error, revision: claim.revision }, 'the keys were not compared this time');
    }
  }
}
