/** Every bound of this package. */
export const journalLimits = {
  /** LevelDB gathers this much before it writes a sorted table; it keeps up to two of them in memory. */
  writeBufferBytes: 4 * 1024 * 1024,
  /** Rows are read once (at start, for a snapshot), so that a small cache is enough. */
  cacheBytes: 1024 * 1024,
  /** What one step of an iterator may hold in memory, unless a single record is larger. */
  readChunkBytesMax: 256 * 1024,
  /** Records in one step of an iterator. */
  readChunkCountMax: 1_024,
  /** Rows of a received snapshot are synced to disk in groups of about this size. */
  stagingBatchBytesMax: 1024 * 1024,
  /** The size of the data directory is measured at most once in this time. */
  sizeRefreshMs: 5_000,
  /** Less than this on the disk is low: the state may shrink but not grow. */
  lowSpaceBytes: 64 * 1024 * 1024,
  /** While data is written, the room on the disk is looked at once in this time. */
  spaceRefreshMs: 2_000,
  /** Records up to this size are put together without allocating. */
  workspaceBytesMax: 64 * 1024,
} as const;
