import { Client, credentials, status as grpcStatus } from '@grpc/grpc-js';

/** grpc.health.v1: HealthCheckResponse.ServingStatus. */
const servingStatuses = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'] as const;
export type ServingStatus = (typeof servingStatuses)[number];

/** HealthCheckRequest has one field, `string service = 1`; its answer one, `ServingStatus status = 1`. */
const encodeRequest = (service: string): Buffer => {
  const name = Buffer.from(service);
  return name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, ...varint(name.length)]), name]);
};
const decodeResponse = (bytes: Buffer): ServingStatus =>
  servingStatuses[bytes[0] === 0x08 ? (bytes[1] ?? 0) : 0] ?? 'UNKNOWN';

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
}

/** Asks a server for its health. Rejects if it cannot be reached or does not know the service. */
export async function checkGrpcHealth(
  address: string,
  service: string,
  timeoutMs: number,
): Promise<ServingStatus> {
  const client = new Client(address, credentials.createInsecure());
  try {
    return await new Promise<ServingStatus>((resolve, reject) => {
      client.makeUnaryRequest(
        '/grpc.health.v1.Health/Check',
        encodeRequest,
        decodeResponse,
        service,
        { deadline: Date.now() + timeoutMs },
        (error, answer) => {
          if (error === null) resolve(answer ?? 'UNKNOWN');
          else if (error.code === grpcStatus.DEADLINE_EXCEEDED)
            reject(new Error(`timeout: failed to connect service "${address}" within ${timeoutMs / 1_000}s`));
          else reject(new Error(`rpc error: ${error.message}`, { cause: error }));
        },
      );
    });
  } finally {
    client.close();
  }
}
