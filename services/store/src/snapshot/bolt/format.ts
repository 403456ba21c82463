/**
 * bbolt's file format (go.etcd.io/bbolt page.go, meta.go, bucket.go), all numbers little-endian:
 *
 *     page     id u64, flags u16, count u16, overflow u32, then its content; `overflow` more pages belong to it
 *     meta     magic u32, version u32, page size u32, flags u32, root bucket, free list page u64, high water page u64,
 *              transaction u64, FNV-1a of what precedes; pages 0 and 1, the valid one with the higher transaction counts
 *     bucket   root page u64, sequence u64; root page 0: its only page follows inline
 *     leaf     count × (flags u32, position u32, key size u32, value size u32), keys and values
 *     branch   count × (position u32, key size u32, child page u64), keys
 *
 * Positions count from their own element. The keys of a branch are the first ones of its children. A leaf element with flag 1 is a
 * bucket, its value the bucket's header.
 */
export const pageHeaderBytes = 16;
export const elementBytes = 16;
export const bucketHeaderBytes = 16;
export const metaBytes = 64;

export const pageFlag = { branch: 0x01, leaf: 0x02, meta: 0x04 } as const;
export const bucketLeafFlag = 0x01;

const magic = 0xed0cdaed;
const formatVersion = 2;
/** The free list is not in the file: whoever writes to it finds the free pages by looking. etcd leaves it out too. */
const noFreelist = 0xffff_ffff_ffff_ffffn;

/** What a valid meta page says. */
export interface Meta {
  readonly pageBytes: number;
  /** The page of the bucket of buckets. */
  readonly root: number;
  /** Pages from here on are none of the file's. */
  readonly pageCount: number;
  readonly transaction: bigint;
}

export function encodeMetaPage(id: 0 | 1, { pageBytes, root, pageCount, transaction }: Meta): Buffer {
  const page = Buffer.alloc(pageBytes);
  writePageHeader(page, { id, flags: pageFlag.meta, count: 0, overflow: 0 });
  const meta = page.subarray(pageHeaderBytes, pageHeaderBytes + metaBytes);
  meta.writeUInt32LE(magic, 0);
  meta.writeUInt32LE(formatVersion, 4);
  meta.writeUInt32LE(pageBytes, 8);
  meta.writeBigUInt64LE(BigInt(root), 16);
  meta.writeBigUInt64LE(noFreelist, 32);
  meta.writeBigUInt64LE(BigInt(pageCount), 40);
  meta.writeBigUInt64LE(transaction, 48);
  meta.writeBigUInt64LE(fnv1a(meta.subarray(0, 56)), 56);
  return page;
}

/** undefined: this is no valid meta page. */
export function decodeMetaPage(page: Buffer): Meta | undefined {
  if (page.length < pageHeaderBytes + metaBytes) return undefined;
  const meta = page.subarray(pageHeaderBytes, pageHeaderBytes + metaBytes);
  if (meta.readUInt32LE(0) !== magic || meta.readUInt32LE(4) !== formatVersion) return undefined;
  if (meta.readBigUInt64LE(56) !== fnv1a(meta.subarray(0, 56))) return undefined;
  return {
    pageBytes: meta.readUInt32LE(8),
    root: Number(meta.readBigUInt64LE(16)),
    pageCount: Number(meta.readBigUInt64LE(40)),
    transaction: meta.readBigUInt64LE(48),
  };
}

export interface PageHeader {
  readonly id: number;
  readonly flags: number;
  readonly count: number;
  readonly overflow: number;
}

export function writePageHeader(page: Buffer, { id, flags, count, overflow }: PageHeader): void {
  page.writeBigUInt64LE(BigInt(id), 0);
  page.writeUInt16LE(flags, 8);
  page.writeUInt16LE(count, 10);
  page.writeUInt32LE(overflow, 12);
}

export function readPageHeader(page: Buffer): PageHeader {
  return {
    id: Number(page.readBigUInt64LE(0)),
    flags: page.readUInt16LE(8),
    count: page.readUInt16LE(10),
    overflow: page.readUInt32LE(12),
  };
}

function fnv1a(bytes: Uint8Array): bigint {
  let hash = 0xcbf2_9ce4_8422_2325n;
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100_0000_01b3n);
  return hash;
}
