const mebibyte = 1024 * 1024;

/** Every bound of snapshot files, with its unit. */
export const snapshotLimits = {
  /** Of the files that are written here: etcd's on most machines. */
  pageBytes: 4096,
  /** Of those that are read: bbolt takes the page size of the machine. */
  pageBytesMin: 512,
  pageBytesMax: 65_536,
  /** One page with those that belong to it, in memory while it is read. */
  pageRunBytesMax: 64 * mebibyte,
  /** Levels of branches above a leaf. A tree of this depth that is not made to mislead has more pages than a disk. */
  treeDepthMax: 32,
  bucketsMax: 64,
  /** Key and value of one version: what members can send each other (storeLimits.requestBytesMax). */
  itemBytesMax: 15 * mebibyte,
  /** Rows of users, roles and alarms, which are kept in memory together. */
  smallRowsBytesMax: 64 * mebibyte,
  /** What one message of the Snapshot call carries, and what one step of writing a file gathers. */
  blobBytes: 64 * 1024,
  /** Others run after so long, measured every so many rows. */
  sliceMs: 5,
  sliceCheckRows: 32,
  /** Snapshots that one member sends at once; each makes LevelDB keep what it needs. */
  snapshotsMax: 4,
  /** A client that takes nothing for so long is given up, for the same reason. */
  stallMs: 60_000,
} as const;
