import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import { protoRoot } from '@raftsman/proto';
import { status } from '../grpc.js';
import { CallError } from '../in-process.js';
import type { GrpcService } from '../server.js';
import { Descriptors } from './descriptors.js';
import { rawMethod, readRequest } from './raw-methods.js';
import {
  decodeRequest,
  encodeResponse,
  type ReflectionAnswer,
  type ReflectionQuestion,
} from './reflection-messages.js';

type Call = ServerDuplexStream<Buffer, Buffer>;

/** grpc.reflection.v1 and v1alpha, which describe `services` and themselves. The contracts' descriptors are read when somebody asks first. */
export function reflectionServices(services: readonly GrpcService[]): readonly GrpcService[] {
  const reflection = new Reflection();
  const own = ['v1', 'v1alpha'].map((version): GrpcService => {
    const name = `grpc.reflection.${version}.ServerReflection`;
    const method = rawMethod(name, 'ServerReflectionInfo', { request: true, response: true });
    return {
      protoFile: `grpc/reflection/${version}/reflection.proto`,
      definition: { ServerReflectionInfo: method },
      implementation: { ServerReflectionInfo: (call: Call) => reflection.serve(call) },
    };
  });
  reflection.describe([...services, ...own]);
  return own;
}

class Reflection {
  #files: readonly string[] = [];
  #services: readonly string[] = [];
  #descriptors: Promise<Descriptors> | undefined;

  describe(services: readonly GrpcService[]): void {
    this.#files = services.map(({ protoFile }) => protoFile);
    const names = services.map(({ definition }) => Object.values(definition)[0]!.path.split('/')[1]!);
    this.#services = names.toSorted();
  }

  serve(call: Call): void {
    this.#descriptors ??= this.#read();
    this.#descriptors.then(
      (descriptors) => answerEach(call, (request) => this.#respond(request, descriptors)),
      (error: unknown) => {
        this.#descriptors = undefined;
        const details = `the contracts' descriptors cannot be read: ${String(error)}`;
        call.emit('error', new CallError(status.INTERNAL, details));
      },
    );
  }

  async #read(): Promise<Descriptors> {
    return new Descriptors(await readFile(join(protoRoot, 'gen', 'descriptors.binpb')), this.#files);
  }

  /** Throws CallError. */
  #respond(request: Buffer, descriptors: Descriptors): Buffer {
    const { host, asked } = readRequest(request, decodeRequest);
    return encodeResponse(request, host, this.#answer(asked, descriptors));
  }

  #answer(asked: ReflectionQuestion, descriptors: Descriptors): ReflectionAnswer {
    switch (asked.kind) {
      case 'listServices':
        return { kind: 'services', names: this.#services };
      case 'fileByFilename':
        return found(descriptors.fileByName(asked.name), `Proto file not found: ${asked.name}`);
      case 'fileContainingSymbol':
        return found(descriptors.fileContaining(asked.name), `Symbol not found: ${asked.name}`);
      // No contract of ours has extensions: where the descriptors are made, they are refused.
      case 'fileContainingExtension':
        return notFound(`Extension not found for symbol ${asked.name} at field ${asked.number}`);
      case 'allExtensionNumbersOfType':
        return notFound(`Extensions not found for symbol ${asked.name}`);
      case 'nothing':
        return { kind: 'error', code: status.UNIMPLEMENTED, message: 'the request asks nothing known here' };
    }
  }
}

const notFound = (message: string): ReflectionAnswer => ({ kind: 'error', code: status.NOT_FOUND, message });
const found = (files: readonly Uint8Array[] | undefined, otherwise: string): ReflectionAnswer =>
  files === undefined ? notFound(otherwise) : { kind: 'files', files };

/**
 * The next request is taken when the answer before it has gone, in another turn of the event loop: who asks and does not listen fills no memory,
 * and who asks thousands of things at once does not have the loop for himself.
 */
function answerEach(call: Call, respond: (request: Buffer) => Buffer): void {
  const take = (request: Buffer): void => {
    call.pause();
    let response: Buffer;
    try {
      response = respond(request);
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      call.off('data', take);
      call.emit('error', error);
      // What else comes is read for nothing, so that the call can end.
      call.resume();
      return;
    }
    call.write(response, () => setImmediate(() => call.resume()));
  };
  call.on('data', take);
  call.on('end', () => call.end());
}
