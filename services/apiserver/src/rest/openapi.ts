import { openApiV2, openApiV3, openApiV3Index, pathNotFound } from '@raftsman/api';

/** The documents, each made when first asked for and kept as text: kubectl reads them for explain and validation. */
const texts = new Map<string, string>();

/** The JSON at /openapi/v2, /openapi/v3 or /openapi/v3/{api/v1, apis/{group}/{version}}. Throws 404. */
export function openApiDocument(path: string): string {
  let found = texts.get(path);
  if (found === undefined) {
    const document = make(path);
    if (document === undefined) throw pathNotFound();
    found = JSON.stringify(document);
    texts.set(path, found);
  }
  return found;
}

function make(path: string): unknown {
  if (path === '/openapi/v2') return openApiV2();
  if (path === '/openapi/v3') return openApiV3Index();
  return path.startsWith('/openapi/v3/') ? openApiV3(path.slice('/openapi/v3/'.length)) : undefined;
}

/**
 * The version 2 document in gnostic's protobuf, with title and version alone. kubectl asks for it only about kinds that
 * version 3 does not know, to learn that this one does not know them either.
 */
export const openApiV2Protobuf = {
  /** What clients ask for, and what it is called in an answer, where `@` may not stand. */
  asked: 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf',
  type: 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf',
  bytes: Buffer.concat([text(1, '2.0'), message(2, text(1, 'Kubernetes'), text(2, 'v1.35.0')), message(8)]),
} as const;

function text(field: number, value: string): Buffer {
  return message(field, Buffer.from(value));
}

/** A length-delimited field of less than 128 bytes. */
function message(field: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([field * 8 + 2, content.length]), content]);
}
