import { Crc32c } from './crc32c.js';
import { readVersion } from './records.js';
import { openSnapshot } from './source.js';

/** What `etcdctl snapshot status` says of a file, with etcd's names. */
export interface SnapshotStatus {
  /** CRC-32 (Castagnoli) of the names of all buckets and their keys and values. */
  readonly hash: number;
  /** Of the newest change. */
  readonly revision: number;
  /** Items of all buckets. */
  readonly totalKey: number;
  /** Bytes of the database. */
  readonly totalSize: number;
}

/** Reads the whole file. Rejects with SnapshotFileError or the system's error. */
export async function snapshotStatus(file: string): Promise<SnapshotStatus> {
  const source = await openSnapshot(file, false);
  try {
    const { bolt } = source;
    const crc = new Crc32c();
    let revision = 0;
    let totalKey = 0;
    for (const bucket of bolt.buckets()) {
      crc.add(Buffer.from(bucket, 'latin1'));
      for await (const item of bolt.items(bucket)) {
        crc.add(item.key).add(item.value);
        totalKey += 1;
        if (bucket === 'key') revision = readVersion(item).modRevision;
      }
    }
    return { hash: crc.value, revision, totalKey, totalSize: bolt.sizeBytes };
  } finally {
    await source.close();
  }
}

/** As etcdctl writes it. */
export function formatStatus(status: SnapshotStatus, format: 'simple' | 'json' | 'table' | 'fields'): string {
  const { hash, revision, totalKey, totalSize } = status;
  const row = [hash.toString(16), String(revision), String(totalKey), humanBytes(totalSize)];
  switch (format) {
    case 'simple':
      return row.join(', ');
    case 'json':
      return JSON.stringify(status);
    case 'fields':
      return `"Hash" : ${hash}\n"Revision" : ${revision}\n"Keys" : ${totalKey}\n"Size" : ${totalSize}`;
    case 'table':
      return table(['HASH', 'REVISION', 'TOTAL KEYS', 'TOTAL SIZE'], row);
  }
}

function table(heads: readonly string[], row: readonly string[]): string {
  const widths = heads.map((head, at) => Math.max(head.length, row[at]!.length));
  const line = `+${widths.map((width) => '-'.repeat(width + 2)).join('+')}+`;
  const centred = heads.map((head, at) => {
    const left = Math.floor((widths[at]! - head.length) / 2);
    return head.padStart(head.length + left).padEnd(widths[at]!);
  });
  const right = row.map((cell, at) => cell.padStart(widths[at]!));
  const cells = (texts: readonly string[]): string => `|${texts.map((text) => ` ${text} `).join('|')}|`;
  return [line, cells(centred), line, cells(right), line].join('\n');
}

/** Thousands, with one decimal below ten. */
function humanBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  if (bytes < 10) return `${bytes} B`;
  const power = Math.min(units.length - 1, Math.floor(Math.log(bytes) / Math.log(1000)));
  const value = Math.floor((bytes / 1000 ** power) * 10 + 0.5) / 10;
  return `${value < 10 ? value.toFixed(1) : halfToEven(value)} ${units[power]}`;
}

/** As Go prints a number without decimals. */
function halfToEven(value: number): number {
  const below = Math.floor(value);
  return value - below === 0.5 && below % 2 === 0 ? below : Math.round(value);
}
