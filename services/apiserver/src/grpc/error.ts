import { Metadata, type ServerErrorResponse } from '@grpc/grpc-js';
import { grpcCodeOf } from '@raftsman/api';
import { apiErrorOf } from '../registry/storage-failure.js';

/**
 * What a caller gets for any failure: the nearest code, the message, and in `grpc-status-details-bin` a
 * google.rpc.Status whose detail is the KubernetesStatus that REST would have answered.
 */
export function grpcErrorOf(error: unknown): ServerErrorResponse {
  const { status, message } = apiErrorOf(error);
  const code = grpcCodeOf(status);
  const metadata = new Metadata();
  metadata.set('grpc-status-details-bin', richStatus(code, message, JSON.stringify(status)));
  return { name: status.reason ?? 'Unknown', message, code, details: message, metadata };
}

/** google.rpc.Status by its field numbers (proto/google/rpc/status.proto); proto-loader encodes calls only. */
function richStatus(code: number, message: string, json: string): Buffer {
  const kubernetesStatus = lengthDelimited(1, Buffer.from(json));
  const any = Buffer.concat([
    lengthDelimited(1, Buffer.from('type.googleapis.com/raftsman.v1.KubernetesStatus')),
    lengthDelimited(2, kubernetesStatus),
  ]);
  return Buffer.concat([
    varintField(1, code),
    lengthDelimited(2, Buffer.from(message)),
    lengthDelimited(3, any),
  ]);
}

const varintField = (field: number, value: number): Buffer =>
  Buffer.concat([varint(field * 8), varint(value)]);
const lengthDelimited = (field: number, bytes: Buffer): Buffer =>
  Buffer.concat([varint(field * 8 + 2), varint(bytes.length), bytes]);

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) + 0x80);
  return Buffer.from([...bytes, rest]);
}
