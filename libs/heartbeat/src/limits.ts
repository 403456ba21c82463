/** Bounds of the heartbeat channel. */
export const heartbeatLimits = {
  /** A beat that NATS has not confirmed (PING/PONG) for this many intervals sends the next ones over gRPC too. */
  unconfirmedIntervalsMax: 2,
  /** A link whose server has left a ping unanswered for this long is not believed in. */
  natsUnconfirmedMaxMs: 1_000,
  /** Between attempts to reach a NATS server or an apiserver that is gone. */
  reconnectWaitMs: 500,
  /** A payload on the bus; a Beat takes about 150 bytes. */
  beatBytesMax: 4_096,
  /** Node names: RFC 1123 subdomains. */
  nodeNameLengthMax: 253,
  /** A boot, or a leader: a node's name, `_` and a UUID. */
  bootIdLengthMax: 320,
} as const;
