import { MalformedError, MvccError, type Command, type Op } from '@raftsman/mvcc';
import type { AppliedEntry } from '../contract.js';
import {
  alarmCommandByte,
  alarmRow,
  alarmRowByte,
  decodeAlarmCommand,
  readAlarmRow,
  removedAlarmRow,
  type AlarmCommand,
  type AlarmName,
  type HashClaim,
  type RaisedAlarm,
} from './alarm-rows.js';
import { etcdError, type EtcdError } from './errors.js';
import { etcdLimits } from './limits.js';
import type { StatePart, StoredRow } from './state-part.js';

/** What an alarm command answers: those that it raised or disarmed, as etcd does. */
export interface AlarmResult {
  readonly alarms: readonly RaisedAlarm[];
}

/**
 * Which members raised an alarm, and what is refused because of it: with NOSPACE whatever makes the state grow, with CORRUPT every change.
 * All members refuse the same commands, because alarms are raised and disarmed through the log.
 */
export class AlarmPart implements StatePart {
  readonly commandByte = alarmCommandByte;
  readonly rowByte = alarmRowByte;
  /** Told of what leaders found; at most one listener. */
  onClaim: ((claim: HashClaim) => void) | null = null;
  #raised = new Map<string, RaisedAlarm>();
  #noSpace = false;
  #corrupt = false;

  get noSpace(): boolean {
    return this.#noSpace;
  }

  get corrupt(): boolean {
    return this.#corrupt;
  }

  /** In the order of their rows. */
  raised(alarm: AlarmName | null = null): readonly RaisedAlarm[] {
    return [...this.#raised.entries()]
      .toSorted(([left], [right]) => (left < right ? -1 : 1))
      .map(([, each]) => each)
      .filter((each) => alarm === null || each.alarm === alarm);
  }

  /** Why a command of the keys' part must not be applied; null: it may be. */
  refusal(command: Command): EtcdError | null {
    if (this.#corrupt) return etcdError('corrupt');
    return this.#noSpace && grows(command) ? etcdError('noSpace') : null;
  }

  apply(data: Uint8Array): AppliedEntry {
    const command = decode(data);
    if (command instanceof MvccError) return { rows: [], result: command };
    switch (command.kind) {
      case 'activate':
        return this.#activate({ member: command.member, alarm: command.alarm });
      case 'deactivate':
        return this.#deactivate({ member: command.member, alarm: command.alarm });
      case 'hash-claim':
        this.onClaim?.(command);
        return { rows: [], result: { alarms: [] } satisfies AlarmResult };
    }
  }

  restore(rows: readonly StoredRow[]): void {
    this.#raised = new Map(rows.map(readAlarmRow).map((raised) => [nameOf(raised), raised]));
    this.#look();
  }

  *rows(): Generator<StoredRow> {
    for (const raised of this.raised()) yield alarmRow(raised);
  }

  #activate(raised: RaisedAlarm): AppliedEntry {
    const result: AlarmResult = { alarms: [raised] };
    if (this.#raised.has(nameOf(raised))) return { rows: [], result };
    if (this.#raised.size >= etcdLimits.alarmsMax) return { rows: [], result: etcdError('tooManyRequests') };
    this.#raised.set(nameOf(raised), raised);
    this.#look();
    return { rows: [alarmRow(raised)], result };
  }

  #deactivate(raised: RaisedAlarm): AppliedEntry {
    if (!this.#raised.delete(nameOf(raised))) return { rows: [], result: { alarms: [] } };
    this.#look();
    return { rows: [removedAlarmRow(raised)], result: { alarms: [raised] } };
  }

  #look(): void {
    const names = new Set([...this.#raised.values()].map(({ alarm }) => alarm));
    this.#noSpace = names.has('NOSPACE');
    this.#corrupt = names.has('CORRUPT');
  }
}

const nameOf = (raised: RaisedAlarm): string => Buffer.from(alarmRow(raised).key).toString('hex');

/** Whether a command may make the state grow: etcd counts a transaction with a put in either branch. */
export function grows(command: Command): boolean {
  return (
    command.kind === 'put' || command.kind === 'lease-grant' || (command.kind === 'txn' && hasPut(command))
  );
}

function hasPut(op: Op): boolean {
  return op.kind === 'put' || (op.kind === 'txn' && (op.success.some(hasPut) || op.failure.some(hasPut)));
}

/** As with the commands of the keys. */
function decode(data: Uint8Array): AlarmCommand | MvccError {
  try {
    return decodeAlarmCommand(data);
  } catch (error) {
    if (error instanceof MalformedError) return new MvccError('malformed-command', error.message);
    throw error;
  }
}
