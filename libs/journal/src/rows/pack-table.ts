import { strict as assert } from 'node:assert';
import type { Pack } from './packs.js';

interface Known extends Pack {
  /** Rows of it that are gone, or that a row by itself stands for; at least. */
  worn: number;
}

/** The packs of one generation in key order. Their keys do not overlap. */
export class PackTable {
  readonly #packs: Known[] = [];
  /** Of which half or more is worn. */
  readonly #sparse = new Set<Known>();

  /** Behind all others. */
  add(pack: Pack, worn = 0): void {
    const before = this.#packs.at(-1);
    assert(before === undefined || before.last < pack.first, 'packs are added in key order');
    const known = { ...pack, worn: 0 };
    this.#packs.push(known);
    this.#wear(known, worn);
  }

  /** Whether the key is one of those that a pack spans; that pack counts one more row as worn. */
  wear(key: string): boolean {
    const at = this.#firstAbove(key) - 1;
    const pack = this.#packs[at];
    if (pack === undefined || key > pack.last) return false;
    this.#wear(pack, 1);
    return true;
  }

  /** Up to `countMax` neighbours that are to be written anew; empty: none are. `all`: also those of which one row is worn. */
  worn(countMax: number, all = false): readonly Pack[] {
    const isWorn = (pack: Known | undefined): boolean =>
      pack !== undefined && (all ? pack.worn > 0 : this.#sparse.has(pack));
    const first = all ? this.#packs.find(isWorn) : firstOf(this.#sparse);
    if (first === undefined) return [];
    let [from, to] = [this.#indexOf(first), this.#indexOf(first) + 1];
    while (to - from < countMax && isWorn(this.#packs[from - 1])) from -= 1;
    while (to - from < countMax && isWorn(this.#packs[to])) to += 1;
    return this.#packs.slice(from, to);
  }

  /** `worn` as it was answered. */
  replace(worn: readonly Pack[], by: readonly Pack[]): void {
    const at = this.#indexOf(worn[0]!);
    const gone = this.#packs.splice(at, worn.length, ...by.map((pack) => ({ ...pack, worn: 0 })));
    for (const pack of gone) this.#sparse.delete(pack);
  }

  #wear(pack: Known, rows: number): void {
    pack.worn += rows;
    if (pack.worn > 0 && 2 * pack.worn >= pack.count) this.#sparse.add(pack);
  }

  #indexOf(pack: Pack): number {
    const at = this.#firstAbove(pack.first) - 1;
    assert(this.#packs[at]?.first === pack.first, 'a pack of this table');
    return at;
  }

  /** Of the first pack that begins above the key. */
  #firstAbove(key: string): number {
    let [low, high] = [0, this.#packs.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#packs[middle]!.first > key) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

const firstOf = <T>(set: ReadonlySet<T>): T | undefined => set.values().next().value;
