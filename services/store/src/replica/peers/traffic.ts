import type { MemberId } from '@raftsman/raft';

/** What this member and a peer said to each other since they met. */
export interface PeerTraffic {
  readonly peer: MemberId;
  /** Bytes of frames of messages. */
  sentBytes: number;
  receivedBytes: number;
  /** Messages for it that were dropped: it took no more, or was not there. */
  droppedMessages: number;
  /** The link to it is open. */
  isActive: boolean;
  /** How often an open link to it broke. */
  disconnects: number;
}

export const noTraffic = (peer: MemberId): PeerTraffic => ({
  peer,
  sentBytes: 0,
  receivedBytes: 0,
  droppedMessages: 0,
  isActive: false,
  disconnects: 0,
});
