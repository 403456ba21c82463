import type { FileHandle } from 'node:fs/promises';
import { SnapshotFileError } from '../errors.js';
import { snapshotLimits } from '../limits.js';
import type { BoltItem } from './builder.js';
import {
  bucketHeaderBytes,
  bucketLeafFlag,
  decodeMetaPage,
  elementBytes,
  metaBytes,
  pageFlag,
  pageHeaderBytes,
  readPageHeader,
  type Meta,
} from './format.js';

type Source = Pick<FileHandle, 'read'>;

/** A leaf's item; `bucket`: it is one, and `value` its header. */
interface LeafItem extends BoltItem {
  readonly bucket: boolean;
}

/**
 * Reads a bbolt file that anybody may have written: every page is visited at most once, within the file and of bounded size, every
 * position lies within its page, and the keys of a bucket ascend. Whatever is not so is a SnapshotFileError.
 *
 * Memory: one bit for each page of the file, and a page of each level.
 */
export class BoltFile {
  readonly meta: Meta;
  readonly #source: Source;
  readonly #visited: Uint8Array;
  readonly #buckets = new Map<string, Buffer>();

  private constructor(source: Source, meta: Meta) {
    this.#source = source;
    this.meta = meta;
    this.#visited = new Uint8Array(Math.ceil(meta.pageCount / 8));
  }

  /** `sizeBytes`: of the pages, without what follows them. Rejects with SnapshotFileError. */
  static async open(source: Source, sizeBytes: number): Promise<BoltFile> {
    const meta = await newestMeta(source, sizeBytes);
    if (meta === undefined) throw new SnapshotFileError('not a bbolt database: no valid meta page');
    const { pageBytes, pageCount, root } = meta;
    if (!isPageSize(pageBytes)) throw new SnapshotFileError(`page size ${pageBytes} is not supported`);
    if (pageCount * pageBytes > sizeBytes)
      throw new SnapshotFileError(`ends at ${sizeBytes} bytes, but has ${pageCount} pages of ${pageBytes}`);
    const file = new BoltFile(source, meta);
    for await (const { key, value, bucket } of file.#items(root)) {
      if (!bucket) throw new SnapshotFileError('an item outside of any bucket');
      if (file.#buckets.size >= snapshotLimits.bucketsMax) throw new SnapshotFileError('too many buckets');
      file.#buckets.set(Buffer.from(key).toString('latin1'), Buffer.from(value));
    }
    return file;
  }

  get sizeBytes(): number {
    return this.meta.pageCount * this.meta.pageBytes;
  }

  /** Names of the buckets in order. */
  buckets(): readonly string[] {
    return [...this.#buckets.keys()];
  }

  /**
   * The items of a bucket in order of their keys; none if there is no such bucket. They are views that the next one may replace. A bucket
   * can be read once, unless `again` is called in between.
   */
  async *items(bucket: string): AsyncGenerator<BoltItem> {
    const header = this.#buckets.get(bucket);
    if (header === undefined) return;
    if (header.length < bucketHeaderBytes) throw new SnapshotFileError(`bucket ${bucket} has no header`);
    const root = pageNumber(header, 0);
    const items = root === 0 ? leafItems(header.subarray(bucketHeaderBytes), 0) : this.#items(root);
    let last: Buffer | null = null;
    for await (const { key, value, bucket: nested } of items) {
      if (nested) throw new SnapshotFileError(`a bucket within bucket ${bucket}`);
      if (last !== null && Buffer.compare(last, key) >= 0)
        throw new SnapshotFileError(`the keys of bucket ${bucket} are out of order`);
      last = Buffer.from(key);
      yield { key, value };
    }
  }

  /** For another pass over the buckets. */
  again(): void {
    this.#visited.fill(0);
  }

  async *#items(root: number): AsyncGenerator<LeafItem> {
    const path: { readonly children: readonly number[]; next: number }[] = [{ children: [root], next: 0 }];
    while (path.length > 0) {
      const branch = path.at(-1)!;
      const child = branch.children[branch.next];
      if (child === undefined) {
        path.pop();
        continue;
      }
      branch.next += 1;
      const page = await this.#page(child);
      const { flags } = readPageHeader(page);
      if (flags === pageFlag.leaf) yield* leafItems(page, child);
      else if (flags === pageFlag.branch) {
        if (path.length >= snapshotLimits.treeDepthMax)
          throw new SnapshotFileError(`page ${child} is too deep`);
        path.push({ children: childrenOf(page, child), next: 0 });
      } else throw new SnapshotFileError(`page ${child} is of unknown kind ${flags}`);
    }
  }

  /** A page with those that belong to it. */
  async #page(id: number): Promise<Buffer> {
    const { pageBytes, pageCount } = this.meta;
    if (!(id >= 2 && id < pageCount)) throw new SnapshotFileError(`page ${id} lies outside of the file`);
    const first = await readExactly(this.#source, id * pageBytes, pageBytes);
    const { id: written, overflow } = readPageHeader(first);
    if (written !== id) throw new SnapshotFileError(`page ${id} says that it is page ${written}`);
    if (id + overflow >= pageCount) throw new SnapshotFileError(`page ${id} reaches beyond the file`);
    const bytes = (1 + overflow) * pageBytes;
    if (bytes > snapshotLimits.pageRunBytesMax)
      throw new SnapshotFileError(`page ${id} is larger than ${snapshotLimits.pageRunBytesMax} bytes`);
    for (let each = id; each <= id + overflow; each += 1) this.#visit(each);
    return overflow === 0 ? first : readExactly(this.#source, id * pageBytes, bytes);
  }

  #visit(page: number): void {
    const bit = 1 << (page & 7);
    if ((this.#visited[page >>> 3]! & bit) !== 0)
      throw new SnapshotFileError(`page ${page} is used more than once`);
    this.#visited[page >>> 3]! |= bit;
  }
}

const isPageSize = (bytes: number): boolean =>
  bytes >= snapshotLimits.pageBytesMin && bytes <= snapshotLimits.pageBytesMax && (bytes & (bytes - 1)) === 0;

/** The second meta page stands where the page size says; if the first one is broken, where any page size may say. */
async function newestMeta(source: Source, sizeBytes: number): Promise<Meta | undefined> {
  const at = async (offset: number): Promise<Meta | undefined> =>
    offset + pageHeaderBytes + metaBytes > sizeBytes
      ? undefined
      : decodeMetaPage(await readExactly(source, offset, pageHeaderBytes + metaBytes));
  const first = await at(0);
  const offsets = first === undefined ? possiblePageSizes() : [first.pageBytes];
  for (const offset of offsets) {
    const second = await at(offset);
    if (second === undefined || (first === undefined && second.pageBytes !== offset)) continue;
    return first === undefined || second.transaction > first.transaction ? second : first;
  }
  return first;
}

function possiblePageSizes(): readonly number[] {
  const sizes: number[] = [];
  for (let bytes: number = snapshotLimits.pageBytesMin; bytes <= snapshotLimits.pageBytesMax; bytes *= 2)
    sizes.push(bytes);
  return sizes;
}

function* leafItems(page: Buffer, id: number): Generator<LeafItem> {
  const { count, flags } = readPageHeader(elementsOf(page, id));
  if (flags !== pageFlag.leaf) throw new SnapshotFileError(`page ${id} is no leaf`);
  for (let index = 0; index < count; index += 1) {
    const element = pageHeaderBytes + index * elementBytes;
    const start = element + page.readUInt32LE(element + 4);
    const keyEnd = start + page.readUInt32LE(element + 8);
    const end = keyEnd + page.readUInt32LE(element + 12);
    if (start < pageHeaderBytes + count * elementBytes || end > page.length)
      throw new SnapshotFileError(`item ${index} lies outside of page ${id}`);
    yield {
      key: page.subarray(start, keyEnd),
      value: page.subarray(keyEnd, end),
      bucket: (page.readUInt32LE(element) & bucketLeafFlag) !== 0,
    };
  }
}

function childrenOf(page: Buffer, id: number): readonly number[] {
  const { count } = readPageHeader(elementsOf(page, id));
  if (count === 0) throw new SnapshotFileError(`page ${id} is a branch without children`);
  return Array.from({ length: count }, (_, index) =>
    pageNumber(page, pageHeaderBytes + index * elementBytes + 8),
  );
}

/** The page, whose elements all lie within it. */
function elementsOf(page: Buffer, id: number): Buffer {
  if (
    page.length < pageHeaderBytes ||
    pageHeaderBytes + readPageHeader(page).count * elementBytes > page.length
  )
    throw new SnapshotFileError(`page ${id} has more elements than room`);
  return page;
}

const pageNumber = (bytes: Buffer, at: number): number => Number(bytes.readBigUInt64LE(at));

async function readExactly(source: Source, offset: number, bytes: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(bytes);
  let filled = 0;
  while (filled < bytes) {
    const { bytesRead } = await source.read(buffer, filled, bytes - filled, offset + filled);
    if (bytesRead === 0) throw new SnapshotFileError(`ends at ${offset + filled} bytes, too early`);
    filled += bytesRead;
  }
  return buffer;
}
