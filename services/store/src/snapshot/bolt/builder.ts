import { strict as assert } from 'node:assert';
import {
  bucketHeaderBytes,
  bucketLeafFlag,
  elementBytes,
  pageFlag,
  pageHeaderBytes,
  writePageHeader,
} from './format.js';

export interface BoltItem {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** What comes after the two meta pages. */
export interface BoltLayout {
  readonly pageCount: number;
  readonly root: number;
}

/** The pages below one level of branches, each with its first key; kept in one buffer, because there may be many. */
class Level {
  #keys = Buffer.allocUnsafe(1024);
  #keysBytes = 0;
  readonly ends: number[] = [];
  readonly pages: number[] = [];

  add(firstKey: Uint8Array, page: number): void {
    if (this.#keysBytes + firstKey.length > this.#keys.length) {
      const larger = Buffer.allocUnsafe(2 * (this.#keysBytes + firstKey.length));
      this.#keys.copy(larger, 0, 0, this.#keysBytes);
      this.#keys = larger;
    }
    this.#keys.set(firstKey, this.#keysBytes);
    this.#keysBytes += firstKey.length;
    this.ends.push(this.#keysBytes);
    this.pages.push(page);
  }

  key(at: number): Buffer {
    return this.#keys.subarray(at === 0 ? 0 : this.ends[at - 1]!, this.ends[at]);
  }
}

interface OpenBucket {
  readonly name: string;
  readonly leaves: Level;
  items: BoltItem[];
  bytes: number;
}

/**
 * Lays out a bbolt file whose items come in order: each bucket's in a row, keys ascending. Pages are filled one after the other, so that
 * none is free. Without `writePages` it only counts them: what the meta pages at the front must say is known before the first byte is.
 *
 * Memory: one page of items, and about 20 bytes for each leaf page of the open bucket.
 */
export class BoltBuilder {
  readonly #pageBytes: number;
  readonly #writePages: boolean;
  readonly #roots = new Map<string, number>();
  #open: OpenBucket | null = null;
  #nextPage = 2;
  #lastKey: Uint8Array | null = null;
  #pending: Buffer[] = [];
  /** Of pages that wait to be taken. */
  pendingBytes = 0;

  constructor(pageBytes: number, writePages: boolean) {
    this.#pageBytes = pageBytes;
    this.#writePages = writePages;
  }

  add(bucket: string, item: BoltItem): void {
    if (this.#open?.name !== bucket) {
      this.#closeBucket();
      assert(!this.#roots.has(bucket), 'the items of a bucket come in a row');
      this.#open = { name: bucket, leaves: new Level(), items: [], bytes: pageHeaderBytes };
    }
    const open = this.#open!;
    const { key, value } = item;
    assert(this.#lastKey === null || Buffer.compare(this.#lastKey, key) < 0, 'keys ascend');
    this.#lastKey = key;
    const bytes = elementBytes + key.length + value.length;
    if (open.items.length > 0 && open.bytes + bytes > this.#pageBytes) this.#endLeaf(open);
    open.items.push(item);
    open.bytes += bytes;
  }

  /** Buckets that got nothing are there and empty. Nothing may be added afterwards. */
  finish(buckets: readonly string[]): BoltLayout {
    this.#closeBucket();
    const names = [...new Set([...buckets, ...this.#roots.keys()])].sort();
    const items = names.map((name) => ({
      key: Buffer.from(name),
      value: bucketHeader(this.#roots.get(name)),
    }));
    const root = this.#leaf(items, bucketLeafFlag);
    return { root, pageCount: this.#nextPage };
  }

  /** The finished pages since the last call. */
  take(): Buffer {
    const pages = this.#pending.length === 1 ? this.#pending[0]! : Buffer.concat(this.#pending);
    this.#pending = [];
    this.pendingBytes = 0;
    return pages;
  }

  #closeBucket(): void {
    const open = this.#open;
    this.#open = null;
    this.#lastKey = null;
    if (open === null) return;
    this.#endLeaf(open);
    let level = open.leaves;
    while (level.pages.length > 1) level = this.#branches(level);
    this.#roots.set(open.name, level.pages[0]!);
  }

  #endLeaf(open: OpenBucket): void {
    open.leaves.add(open.items[0]!.key, this.#leaf(open.items, 0));
    open.items = [];
    open.bytes = pageHeaderBytes;
  }

  #branches(below: Level): Level {
    const level = new Level();
    let from = 0;
    while (from < below.pages.length) {
      let to = from;
      let bytes = pageHeaderBytes;
      do {
        bytes += elementBytes + below.key(to).length;
        to += 1;
      } while (
        to < below.pages.length &&
        (to < from + 2 || bytes + elementBytes + below.key(to).length <= this.#pageBytes)
      );
      level.add(below.key(from), this.#branch(below, from, to, bytes));
      from = to;
    }
    return level;
  }

  #leaf(items: readonly BoltItem[], flags: number): number {
    const bytes = items.reduce(
      (sum, { key, value }) => sum + elementBytes + key.length + value.length,
      pageHeaderBytes,
    );
    return this.#page(pageFlag.leaf, items.length, bytes, (page) => {
      let at = pageHeaderBytes + items.length * elementBytes;
      for (const [index, { key, value }] of items.entries()) {
        const element = pageHeaderBytes + index * elementBytes;
        page.writeUInt32LE(flags, element);
        page.writeUInt32LE(at - element, element + 4);
        page.writeUInt32LE(key.length, element + 8);
        page.writeUInt32LE(value.length, element + 12);
        page.set(key, at);
        page.set(value, at + key.length);
        at += key.length + value.length;
      }
    });
  }

  #branch(below: Level, from: number, to: number, bytes: number): number {
    return this.#page(pageFlag.branch, to - from, bytes, (page) => {
      let at = pageHeaderBytes + (to - from) * elementBytes;
      for (let child = from; child < to; child += 1) {
        const element = pageHeaderBytes + (child - from) * elementBytes;
        const key = below.key(child);
        page.writeUInt32LE(at - element, element);
        page.writeUInt32LE(key.length, element + 4);
        page.writeBigUInt64LE(BigInt(below.pages[child]!), element + 8);
        page.set(key, at);
        at += key.length;
      }
    });
  }

  /** Answers its id. */
  #page(flags: number, count: number, bytes: number, fill: (page: Buffer) => void): number {
    const id = this.#nextPage;
    const overflow = Math.ceil(bytes / this.#pageBytes) - 1;
    this.#nextPage += 1 + overflow;
    if (!this.#writePages) return id;
    const page = Buffer.alloc((1 + overflow) * this.#pageBytes);
    writePageHeader(page, { id, flags, count, overflow });
    fill(page);
    this.#pending.push(page);
    this.pendingBytes += page.length;
    return id;
  }
}

/** Without a root page: an empty one inline. */
function bucketHeader(root: number | undefined): Buffer {
  if (root === undefined) {
    const inline = Buffer.alloc(bucketHeaderBytes + pageHeaderBytes);
    inline.writeUInt16LE(pageFlag.leaf, bucketHeaderBytes + 8);
    return inline;
  }
  const header = Buffer.alloc(bucketHeaderBytes);
  header.writeBigUInt64LE(BigInt(root), 0);
  return header;
}
