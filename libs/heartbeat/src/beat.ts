import { loadService } from '@raftsman/wire';
import type { Beat__Output } from '@raftsman/proto/gen/raftsman/v1/Beat.js';
import { heartbeatLimits } from './limits.js';

/** A node's sign of life, see proto/raftsman/v1/heartbeat.proto. */
export interface Beat {
  readonly node: string;
  readonly bootId: string;
  readonly sequence: number;
  readonly intervalMs: number;
  readonly load: Load;
}

export interface Load {
  readonly cpuLoad: number;
  readonly memoryAvailableBytes: number;
  readonly pods: number;
}

export const heartbeatsService = loadService('raftsman/v1/heartbeat.proto', 'raftsman.v1.Heartbeats');

const send = heartbeatsService.service.Send!;

/** The NATS subject of a node's beats. Node names hold dots, subjects are split at them: they travel as `_`, which no node name has. */
export const beatSubject = (node: string): string => `raftsman.hb.${node.replaceAll('.', '_')}`;
export const anyBeatSubject = 'raftsman.hb.*';

export const encodeBeat = (beat: Beat): Uint8Array => send.requestSerialize(beat);

/** null: not a Beat. */
export function decodeBeat(payload: Uint8Array): Beat | null {
  if (payload.length > heartbeatLimits.beatBytesMax) return null;
  try {
    return beatFromMessage(send.requestDeserialize(Buffer.from(payload)) as Beat__Output);
  } catch {
    // Whatever was on the bus, it was no protobuf message.
    return null;
  }
}

/** null: a field is missing or out of bounds. */
export function beatFromMessage(message: Beat__Output): Beat | null {
  const sequence = Number(message.sequence);
  if (message.node === '' || message.node.length > heartbeatLimits.nodeNameLengthMax) return null;
  if (message.bootId === '' || message.bootId.length > heartbeatLimits.bootIdLengthMax) return null;
  if (!Number.isSafeInteger(sequence) || sequence < 1) return null;
  return {
    node: message.node,
    bootId: message.bootId,
    sequence,
    intervalMs: message.intervalMs,
    load: {
      cpuLoad: message.load?.cpuLoad ?? 0,
      memoryAvailableBytes: Number(message.load?.memoryAvailableBytes ?? 0),
      pods: message.load?.pods ?? 0,
    },
  };
}
