import type { Message } from '@raftsman/raft';

/** What members say to each other, but for the message that carries a whole state: that one goes by a stream of its own. */
export const messageKinds = [
  'vote-request',
  'vote-response',
  'append-request',
  'append-response',
  'heartbeat-request',
  'heartbeat-response',
  'propose-request',
  'read-index-request',
  'read-index-response',
  'timeout-now',
  'witness-snapshot',
] as const satisfies readonly Message['kind'][];
