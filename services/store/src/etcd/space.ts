import { encodeAlarmCommand } from './alarm-rows.js';
import { proposeEncoded, storeOf, type Context } from './context.js';
import { etcdError, toEtcdError } from './errors.js';
import { etcdLimits } from './limits.js';
import type { WatchPump } from './watch-pump.js';

/**
 * Before a write that makes the state grow: rejects with EtcdError while NOSPACE is raised, and raises it if this member is beyond its quota. Answers
 * nothing to wait for if it has.
 */
export function requireSpace(context: Context): Promise<void> | undefined {
  const { alarms } = context.stateMachine;
  if (alarms.noSpace) return requireDisarmed(context);
  if (!isOverQuota(context)) return undefined;
  return raiseNoSpace(context).then(() => {
    throw etcdError('noSpace');
  });
}

/** Somebody may have disarmed it in the part of the log that this member has not come to. */
async function requireDisarmed(context: Context): Promise<void> {
  await context.replica.readIndex();
  if (context.stateMachine.alarms.noSpace) throw etcdError('noSpace');
  await requireSpace(context);
}

function isOverQuota(context: Context): boolean {
  const { quotaBackendBytes } = context.config;
  return quotaBackendBytes > 0 && storeOf(context).sizeBytes > quotaBackendBytes;
}

/** Never rejects but for a bug: whoever cannot raise it now refuses the write all the same, and the next one tries again. */
async function raiseNoSpace(context: Context): Promise<void> {
  const { id } = context.replica.status();
  context.logger.warn(
    { sizeBytes: storeOf(context).sizeBytes },
    'no space is left: raising the NOSPACE alarm',
  );
  try {
    const command = { kind: 'activate', member: BigInt(id), alarm: 'NOSPACE' } as const;
    await proposeEncoded(context, encodeAlarmCommand(command));
  } catch (error) {
    if (toEtcdError(error) === undefined) throw error;
    context.logger.warn({ err: error }, 'the NOSPACE alarm could not be raised yet');
  }
}

/** Raises NOSPACE when the disk is nearly full, and for a member that has no room for what others write. Looks only after something was written. */
export class SpaceKeeper {
  readonly #context: Context;
  readonly #pump: WatchPump;
  readonly #written = (): void => this.#arm();
  #timer: NodeJS.Timeout | undefined;

  constructor(context: Context, pump: WatchPump) {
    this.#context = context;
    this.#pump = pump;
    pump.listen(this.#written);
  }

  close(): void {
    this.#pump.ignore(this.#written);
    clearTimeout(this.#timer);
  }

  #arm(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      const { stateMachine, replica } = this.#context;
      if (stateMachine.alarms.noSpace) return;
      if (isOverQuota(this.#context) || replica.status().diskLow) void raiseNoSpace(this.#context);
    }, etcdLimits.spaceCheckMs);
  }
}
