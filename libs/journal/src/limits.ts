const mebibyte = 1024 * 1024;

/** Every bound of this package. */
export const journalLimits = {
  /** Raised whenever an older version could not read what this one writes. 1 was a log within LevelDB, 2 had no packs of rows. */
  format: 3,

  /** Entries of a group go into frames of about this size, unless a single entry is larger. */
  frameBytesMax: mebibyte,
  /**
   * A new segment is filled with zeros in such steps: the kernel keeps what was written at once as one piece, and a page of it that changes later
   * counts (and on some file systems costs) as the whole piece.
   */
  allocationStepBytes: 4_096,
  /** Segments kept for later: about as many as one compaction of the log gives free when values are of 1 KiB. */
  spareSegmentsMax: 3,
  /** The reserve is filled in such steps. */
  reserveStepBytes: mebibyte,
  /** A log that waits for room on the disk, or rows that do, look again after so long. */
  roomRetryMs: 1_000,

  /** LevelDB gathers this much before it writes a sorted table; it keeps up to two of them in memory. */
  writeBufferBytes: 4 * mebibyte,
  /** Rows are read once (at start, for a snapshot), so that a small cache is enough. */
  cacheBytes: mebibyte,
  /** Rows in a pack, with what says how long each is. */
  packBytesMax: 64 * 1024,
  /** So many packs of which half is worn are read and written anew at once. */
  repackedMax: 16,
  /** What one step of an iterator may hold in memory, unless a single record is larger. */
  readChunkBytesMax: 256 * 1024,
  /** Records in one step of an iterator. */
  readChunkCountMax: 1_024,
  /** Rows of a received snapshot are synced to disk in groups of about this size. */
  stagingBatchBytesMax: mebibyte,
  /** More batches than LevelDB's write-ahead files hold. */
  batchMarksKept: 256,
  /** Records up to this size are put together without allocating. */
  workspaceBytesMax: 64 * 1024,

  /** The size of the rows is measured at most once in this time. */
  sizeRefreshMs: 5_000,
  /** While data is written, the room on the disk is looked at once in this time. */
  spaceRefreshMs: 2_000,
} as const;

/** How a data directory is laid out. Only tests need others than these. */
export interface JournalSizes {
  /** One file of the log. Two are there from the start; compaction gives them free to be used again. */
  readonly segmentBytes: number;
  /** Applied rows gather up to this size before they are written. */
  readonly rowsBatchBytes: number;
  /** Less than this on the disk is low: the state may shrink but not grow. */
  readonly lowSpaceBytes: number;
  /** Less than this, and rows are not written but kept in the log: LevelDB does not survive a full disk. */
  readonly rowsFloorBytes: number;
  /** Of a file that is there to be deleted when others have filled the disk. */
  readonly reserveBytes: number;
}

export const defaultSizes: JournalSizes = {
  segmentBytes: 4 * mebibyte,
  rowsBatchBytes: mebibyte,
  lowSpaceBytes: 64 * mebibyte,
  rowsFloorBytes: 12 * mebibyte,
  reserveBytes: 24 * mebibyte,
};
