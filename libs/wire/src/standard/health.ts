import assert from 'node:assert/strict';
import type { sendUnaryData, ServerUnaryCall, ServerWritableStream } from '@grpc/grpc-js';
import protobuf, { type Reader } from 'protobufjs';
import { status } from '../grpc.js';
import { CallError } from '../in-process.js';
import { wireLimits } from '../limits.js';
import type { GrpcService } from '../server.js';
import { rawMethod, readRequest, readString } from './raw-methods.js';

/** As grpc.health.v1 counts them. */
const numbers = { SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 } as const;

export type ServingStatus = 'SERVING' | 'NOT_SERVING';

const serviceName = 'grpc.health.v1.Health';
const definition = {
  Check: rawMethod(serviceName, 'Check'),
  Watch: rawMethod(serviceName, 'Watch', { response: true }),
  List: rawMethod(serviceName, 'List'),
};

/** grpc.health.v1: whether a server, or one of its services, can be asked. The server is SERVING until something else is set. */
export class Health {
  readonly #statuses = new Map<string, ServingStatus>([['', 'SERVING']]);
  readonly #watches = new Set<Watch>();

  readonly service: GrpcService = {
    protoFile: 'grpc/health/v1/health.proto',
    definition,
    implementation: {
      Check: (call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) =>
        answer(callback, () => this.#check(call.request)),
      Watch: (call: ServerWritableStream<Buffer, Buffer>) => this.#watch(call),
      List: (_call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) =>
        callback(null, encodeList(this.#statuses)),
    },
  };

  /** `service` empty: the whole server. */
  set(service: string, serving: ServingStatus): void {
    this.#statuses.set(service, serving);
    assert(this.#statuses.size <= wireLimits.healthServicesMax, 'more services than health tells of');
    for (const watch of this.#watches) if (watch.service === service) watch.tell(serving);
  }

  #check(request: Buffer): Buffer {
    const serving = this.#statuses.get(readRequest(request, decodeService));
    if (serving === undefined) throw new CallError(status.NOT_FOUND, 'unknown service');
    return encodeStatus(serving);
  }

  #watch(call: ServerWritableStream<Buffer, Buffer>): void {
    try {
      const watch = new Watch(readRequest(call.request, decodeService), call);
      const forget = (): void => void this.#watches.delete(watch);
      this.#watches.add(watch);
      call.once('cancelled', forget);
      call.once('close', forget);
      watch.tell(this.#statuses.get(watch.service) ?? 'SERVICE_UNKNOWN');
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      call.emit('error', error);
    }
  }
}

/** Who watches is told what is true now: changes that pass while a message is on its way are not told. */
class Watch {
  readonly service: string;
  readonly #call: ServerWritableStream<Buffer, Buffer>;
  #now: keyof typeof numbers | undefined;
  #told: keyof typeof numbers | undefined;
  #isTelling = false;

  constructor(service: string, call: ServerWritableStream<Buffer, Buffer>) {
    this.service = service;
    this.#call = call;
  }

  tell(now: keyof typeof numbers): void {
    this.#now = now;
    if (!this.#isTelling && now !== this.#told) this.#write(now);
  }

  #write(now: keyof typeof numbers): void {
    this.#told = now;
    this.#isTelling = true;
    this.#call.write(encodeStatus(now), () => {
      this.#isTelling = false;
      if (this.#now !== undefined) this.tell(this.#now);
    });
  }
}

function answer(callback: sendUnaryData<Buffer>, make: () => Buffer): void {
  let response: Buffer;
  try {
    response = make();
  } catch (error) {
    if (!(error instanceof CallError)) throw error;
    return callback({ code: error.code, details: error.details });
  }
  callback(null, response);
}

/** Of a HealthCheckRequest. */
function decodeService(reader: Reader): string {
  let service = '';
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag === 0x0a) service = readString(reader);
    else reader.skipType(tag & 7);
  }
  return service;
}

/** A HealthCheckResponse. */
const encodeStatus = (now: keyof typeof numbers): Buffer => Buffer.of(0x08, numbers[now]);

/** A HealthListResponse, whose map's entries have the key in field 1 and the value in field 2. */
function encodeList(statuses: ReadonlyMap<string, ServingStatus>): Buffer {
  const writer = protobuf.Writer.create();
  for (const [service, serving] of statuses)
    writer
      .uint32(0x0a)
      .fork()
      .uint32(0x0a)
      .string(service)
      .uint32(0x12)
      .bytes(encodeStatus(serving))
      .ldelim();
  return writer.finish() as Buffer;
}
