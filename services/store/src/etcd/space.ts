import { ReplicaError } from '../contract.js';
import { encodeAlarmCommand } from './alarm-rows.js';
import { proposeEncoded, storeOf, type Context } from './context.js';
import { etcdError, toEtcdError } from './errors.js';
import { etcdLimits } from './limits.js';
import type { WatchPump } from './watch-pump.js';

/**
 * Lets writes that make the state grow through while there is room, and raises NOSPACE when there is none: by the quota, by what this process
 * can hold, and when the disk is nearly full. For what others write too: it looks at what is held after each piece of work, and at the disk a
 * little after something was written.
 *
 * What is held counts with the tombstones of all keys that are there, so that each of them can be deleted under NOSPACE, and the state be compacted then.
 */
export class SpaceKeeper {
  readonly #context: Context;
  readonly #pump: WatchPump;
  readonly #written = (): void => this.#look();
  /** By how much the writes that are under way may make the state grow. */
  #comingBytes = 0;
  /** By how much those may that timed out and may be in the log still; and how many ever did. */
  #unknownBytes = 0;
  #timeouts = 0;
  #raising: Promise<void> | null = null;
  #timer: NodeJS.Timeout | undefined;

  constructor(context: Context, pump: WatchPump) {
    this.#context = context;
    this.#pump = pump;
    pump.listen(this.#written);
  }

  /** Makes a write that lets the state grow by so much at most. Rejects with EtcdError if there is no room for it, or as `write` does. */
  async grow<T>(growthBytes: number, write: () => Promise<T>): Promise<T> {
    if (this.#context.stateMachine.alarms.noSpace) await this.#requireDisarmed();
    if (this.#isFull(growthBytes)) {
      await this.#raise();
      throw etcdError('noSpace');
    }
    // With those before it there may be none: whoever comes again once they are applied will know.
    if (this.#comingBytes > 0 && this.#isFull(growthBytes + this.#comingBytes + this.#unknownBytes))
      throw etcdError('tooManyRequests');
    this.#comingBytes += growthBytes;
    try {
      return await this.#known(growthBytes, write);
    } finally {
      this.#comingBytes -= growthBytes;
    }
  }

  /**
   * Keeps the room of a write that times out until one is applied that began after it: the log has it before that one, or never will. So there is always
   * one under way, whatever is kept.
   */
  async #known<T>(growthBytes: number, write: () => Promise<T>): Promise<T> {
    const timeouts = this.#timeouts;
    try {
      const result = await write();
      if (timeouts === this.#timeouts) this.#unknownBytes = 0;
      return result;
    } catch (error) {
      if (error instanceof ReplicaError && error.code === 'timeout') {
        this.#timeouts += 1;
        this.#unknownBytes += growthBytes;
      }
      throw error;
    }
  }

  close(): void {
    this.#pump.ignore(this.#written);
    clearTimeout(this.#timer);
  }

  /** Somebody may have disarmed it in the part of the log that this member has not come to. */
  async #requireDisarmed(): Promise<void> {
    await this.#context.replica.readIndex();
    if (this.#context.stateMachine.alarms.noSpace) throw etcdError('noSpace');
  }

  /** The quota may be exceeded by what is under way, as in etcd; what the process can hold may not. */
  #isFull(growthBytes: number): boolean {
    const { quotaBackendBytes, heldBytesMax } = this.#context.config;
    const { sizeBytes, deletionBytes } = storeOf(this.#context);
    const isOverQuota = quotaBackendBytes > 0 && sizeBytes > quotaBackendBytes;
    return isOverQuota || sizeBytes + deletionBytes + growthBytes > heldBytesMax;
  }

  #look(): void {
    if (this.#isFull(0)) void this.#raise();
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      if (this.#isFull(0) || this.#context.replica.status().diskLow) void this.#raise();
    }, etcdLimits.spaceCheckMs);
  }

  /** Never rejects but for a bug: whoever cannot raise it now refuses the write all the same, and the next one tries again. */
  #raise(): Promise<void> {
    if (this.#context.stateMachine.alarms.noSpace) return Promise.resolve();
    this.#raising ??= this.#propose().finally(() => (this.#raising = null));
    return this.#raising;
  }

  /** Ahead of the writes that wait: each of them would take more of what is not there. */
  async #propose(): Promise<void> {
    const { replica, logger } = this.#context;
    const { sizeBytes } = storeOf(this.#context);
    logger.warn({ sizeBytes }, 'no space is left: raising the NOSPACE alarm');
    try {
      const command = { kind: 'activate', member: BigInt(replica.status().id), alarm: 'NOSPACE' } as const;
      await proposeEncoded(this.#context, encodeAlarmCommand(command), { ahead: true });
    } catch (error) {
      if (toEtcdError(error) === undefined) throw error;
      logger.warn({ err: error }, 'the NOSPACE alarm could not be raised yet');
    }
  }
}
