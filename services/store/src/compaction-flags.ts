import { durationMs } from '@raftsman/config';
import { InvalidArgumentError } from 'commander';
import { ConfigError } from './errors.js';
import type { AutoCompaction } from './etcd/compaction-schedule.js';

/** The longest duration that Go knows, in hours. */
const hoursMax = 2_562_047;
const hourMs = 3_600_000;

/** etcd's --auto-compaction-mode and --auto-compaction-retention; null: off. Throws ConfigError. */
export function autoCompaction(mode: string, retention: string): AutoCompaction | null {
  switch (mode) {
    case 'periodic': {
      const retentionMs = periodOf(retention);
      return retentionMs === 0 ? null : { mode, retentionMs };
    }
    case 'revision': {
      const retentionRevisions = wholeNumberIn(retention);
      if (retentionRevisions === null) throw refusal(`strconv.Atoi: parsing "${retention}": invalid syntax`);
      return retentionRevisions === 0 ? null : { mode, retentionRevisions };
    }
    case '':
      throw new ConfigError('--auto-compaction-mode is undefined');
    default:
      throw new ConfigError(`unknown auto-compaction-mode "${mode}"`);
  }
}

/** A number alone is hours. */
function periodOf(text: string): number {
  const hours = wholeNumberIn(text);
  const periodMs = hours === null ? durationIn(text) : hours * hourMs;
  if (periodMs > hoursMax * hourMs) throw refusal(`time: invalid duration "${text}"`);
  return periodMs;
}

function durationIn(text: string): number {
  try {
    return durationMs(text);
  } catch (error) {
    if (error instanceof InvalidArgumentError) throw refusal(`time: invalid duration "${text}"`);
    throw error;
  }
}

/** Empty is 0, as in etcd; null: it is no such number, or too large for one. */
function wholeNumberIn(text: string): number | null {
  const value = Number(text);
  return /^\d*$/.test(text) && Number.isSafeInteger(value) ? value : null;
}

const refusal = (reason: string): ConfigError =>
  new ConfigError(`error parsing CompactionRetention: ${reason}`);
