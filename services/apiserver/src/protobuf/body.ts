import { ApiError, badRequest, type JsonObject } from '@raftsman/api';
import { decodeMessage } from './decode.js';
import { schemaOf } from './kinds.js';
import { WireError, WireReader } from './wire.js';

export const protobufType = 'application/vnd.kubernetes.protobuf';

const magic = Buffer.from('k8s\0');

/**
 * The JSON that a body of Go's typed clients (kubectl create, drain, auth; helm; operators) stands for; answers are JSON, which they take as well.
 * The envelope: https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding
 * Throws 400 in the words of Kubernetes' decoder.
 */
export function decodeProtobuf(body: Uint8Array): JsonObject {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (!bytes.subarray(0, magic.length).equals(magic)) {
    throw badRequest(
      `provided data does not appear to be a protobuf message, expected prefix [${[...magic].join(' ')}]`,
    );
  }
  const { apiVersion, kind, raw } = orBadRequest('', () =>
    openEnvelope(new WireReader(bytes.subarray(magic.length))),
  );
  if (kind === '') throw badRequest("Object 'Kind' is missing in the body");
  const schema = schemaOf(apiVersion, kind);
  if (schema === undefined) {
    throw badRequest(
      `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)}`,
    );
  }
  const version = apiVersion.slice(apiVersion.lastIndexOf('/') + 1);
  const refusal = `${kind} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: `;
  return { apiVersion, kind, ...orBadRequest(refusal, () => decodeMessage(schema, new WireReader(raw))) };
}

function orBadRequest<T>(prefix: string, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (error instanceof WireError || error instanceof ApiError) throw badRequest(prefix + error.message);
    throw error;
  }
}

interface Envelope {
  readonly apiVersion: string;
  readonly kind: string;
  readonly raw: Buffer;
}

/** runtime.Unknown. */
function openEnvelope(reader: WireReader): Envelope {
  let type: Omit<Envelope, 'raw'> = { apiVersion: '', kind: '' };
  let raw: Buffer = Buffer.alloc(0);
  while (reader.next()) {
    if (reader.number === 1) type = typeMeta(reader.message('TypeMeta'));
    else if (reader.number === 2) raw = reader.bytes('Raw');
    else reader.skip();
  }
  return { ...type, raw };
}

function typeMeta(reader: WireReader): Omit<Envelope, 'raw'> {
  const type = { apiVersion: '', kind: '' };
  while (reader.next()) {
    if (reader.number === 1) type.apiVersion = reader.bytes('APIVersion').toString();
    else if (reader.number === 2) type.kind = reader.bytes('Kind').toString();
    else reader.skip();
  }
  return type;
}
