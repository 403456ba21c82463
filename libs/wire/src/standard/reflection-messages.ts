import protobuf, { type Reader, type Writer } from 'protobufjs';
import { readString } from './raw-methods.js';

/** A ServerReflectionRequest of grpc.reflection.v1 and v1alpha, which are the same but for their names. */
export interface ReflectionRequest {
  readonly host: string;
  readonly asked: ReflectionQuestion;
}

export type ReflectionQuestion =
  | { readonly kind: 'fileByFilename' | 'fileContainingSymbol' | 'allExtensionNumbersOfType'; name: string }
  | { readonly kind: 'fileContainingExtension'; readonly name: string; readonly number: number }
  | { readonly kind: 'listServices' | 'nothing' };

export type ReflectionAnswer =
  | { readonly kind: 'files'; readonly files: readonly Uint8Array[] }
  | { readonly kind: 'services'; readonly names: readonly string[] }
  /** `code`: a gRPC status. It does not end the call. */
  | { readonly kind: 'error'; readonly code: number; readonly message: string };

/** Of several questions in one request the last counts. Throws if it is malformed. */
export function decodeRequest(reader: Reader): ReflectionRequest {
  let host = '';
  let asked: ReflectionQuestion = { kind: 'nothing' };
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    switch (tag) {
      case 0x0a:
        host = readString(reader);
        break;
      case 0x1a:
        asked = { kind: 'fileByFilename', name: readString(reader) };
        break;
      case 0x22:
        asked = { kind: 'fileContainingSymbol', name: readString(reader) };
        break;
      case 0x2a:
        asked = decodeExtension(protobuf.Reader.create(reader.bytes()));
        break;
      case 0x32:
        asked = { kind: 'allExtensionNumbersOfType', name: readString(reader) };
        break;
      case 0x3a:
        reader.skipType(tag & 7);
        asked = { kind: 'listServices' };
        break;
      default:
        reader.skipType(tag & 7);
    }
  }
  return { host, asked };
}

function decodeExtension(reader: Reader): ReflectionQuestion {
  let name = '';
  let number = 0;
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag === 0x0a) name = readString(reader);
    else if (tag === 0x10) number = reader.int32();
    else reader.skipType(tag & 7);
  }
  return { kind: 'fileContainingExtension', name, number };
}

/** A ServerReflectionResponse, which repeats the request. */
export function encodeResponse(request: Uint8Array, host: string, answer: ReflectionAnswer): Buffer {
  const writer = protobuf.Writer.create();
  if (host !== '') writer.uint32(0x0a).string(host);
  writer.uint32(0x12).bytes(request);
  encodeAnswer(writer, answer);
  return writer.finish() as Buffer;
}

function encodeAnswer(writer: Writer, answer: ReflectionAnswer): void {
  switch (answer.kind) {
    case 'files':
      writer.uint32(0x22).fork();
      for (const file of answer.files) writer.uint32(0x0a).bytes(file);
      writer.ldelim();
      return;
    case 'services':
      writer.uint32(0x32).fork();
      for (const name of answer.names) writer.uint32(0x0a).fork().uint32(0x0a).string(name).ldelim();
      writer.ldelim();
      return;
    case 'error':
      writer.uint32(0x3a).fork();
      writer.uint32(0x08).int32(answer.code).uint32(0x12).string(answer.message);
      writer.ldelim();
  }
}
