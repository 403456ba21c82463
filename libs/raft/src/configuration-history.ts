import { assert } from './assert.js';
import { decodeConfiguration } from './configuration.js';
import type { Configuration, Entry, LogReader, SnapshotMeta } from './types.js';
import { logIndex } from './types.js';

interface Placed {
  readonly index: number;
  readonly configuration: Configuration;
}

const scanBytesMax = 1 << 20;

/**
 * The configurations of a log, by the index from which they are in force: where they were appended (§4.1), or where the state or the
 * snapshot stands that they came with.
 *
 * 1. Never empty; indexes increase. The last one is in force.
 * 2. The first one is committed, so that overwritten entries always leave one.
 */
export class ConfigurationHistory {
  #placed: Placed[];

  constructor(index: number, configuration: Configuration) {
    this.#placed = [{ index, configuration }];
  }

  /** As after a restart: `configuration` is that of the state machine at `applied`, the log knows of later ones. */
  static ofLog(log: LogReader, applied: number, configuration: Configuration): ConfigurationHistory {
    const history = new ConfigurationHistory(applied, configuration);
    const end = logIndex(log.lastIndex + 1);
    for (let from = applied + 1; from < end;) {
      const entries = log.slice(logIndex(from), end, scanBytesMax);
      assert(entries.length > 0, () => `the log ends before ${from}, its last entry is ${log.lastIndex}`);
      history.append(entries);
      from += entries.length;
    }
    return history;
  }

  get current(): Configuration {
    return this.#last().configuration;
  }

  /** From where on the current one is in force. */
  get currentIndex(): number {
    return this.#last().index;
  }

  /** Entries that take the place of what stood from entries[0].index on. Answers whether another configuration is in force. */
  append(entries: readonly Entry[]): boolean {
    const before = this.current;
    const first = entries[0]?.index ?? Infinity;
    while (this.#placed.length > 1 && this.currentIndex >= first) this.#placed.pop();
    for (const { index, type, data } of entries) {
      if (type !== 'configuration') continue;
      const configuration = decodeConfiguration(data);
      assert(configuration !== null, () => `entry ${index} holds no configuration`);
      this.#placed.push({ index, configuration });
    }
    return this.current !== before;
  }

  restore({ index, configuration }: SnapshotMeta): void {
    this.#placed = [{ index, configuration }];
  }

  /** The one in force at `index`; if that is forgotten, the oldest one known, which is committed too. */
  at(index: number): Configuration {
    return (this.#placed.findLast((each) => each.index <= index) ?? this.#placed[0] ?? this.#last())
      .configuration;
  }

  /** Those before the one in force at the committed `index` are not asked for any more. */
  forgetBefore(index: number): void {
    while (this.#placed.length > 1 && (this.#placed[1]?.index ?? Infinity) <= index) this.#placed.shift();
  }

  #last(): Placed {
    const last = this.#placed.at(-1);
    assert(last !== undefined, 'there is always a configuration');
    return last;
  }
}
