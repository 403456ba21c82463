/** Bounds of a server's HTTP/2 connections. */
export const http2Limits = {
  /** Calls of one connection at a time, those among them that were cancelled and still run; more are refused, and gRPC clients try them again. */
  streamsMax: 16_384,
  /** One header block as it comes, and decoded (SETTINGS_MAX_HEADER_LIST_SIZE). */
  headerBlockBytesMax: 64 * 1024,
  headerListBytesMax: 64 * 1024,
  continuationsMax: 32,
  /** What a client may send of one call, and of all calls of a connection, before it is allowed more. */
  streamWindowBytes: 256 * 1024,
  connectionWindowBytes: 1024 * 1024,
  /** Requests that have not arrived whole, of all connections of a server together: a call that would exceed it is refused. */
  partialRequestBytesMax: 256 * 1024 * 1024,
  /** What waits for a client that does not read: above, nothing is read from it either, and streams wait. */
  unsentBytesMax: 256 * 1024,
  /** Frames that change nothing (empty data, resets, pings, settings, priorities), for each that does; more are taken for an attack. */
  idleFramesMax: 10_000,
  /** What was written last may take so long to leave when a connection ends. */
  lingerMs: 2_000,
  /** Idle frames are counted from one sweep to the next; one turn of the event loop sweeps so many connections. */
  sweepIntervalMs: 2_500,
  sweepBatchMax: 256,
  /**
   * Unless a server is told otherwise, a client that is silent for a minute is asked, and gone after another: who stands still (a laptop that sleeps, a long
   * collection of garbage) keeps its watches for that long, and a connection that is broken in silence is held no longer.
   */
  keepaliveTimeMs: 60_000,
  keepaliveTimeoutMs: 60_000,
} as const;
