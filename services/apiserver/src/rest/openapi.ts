import { openApiV2, openApiV3, openApiV3Index, pathNotFound } from '@raftsman/api';

/** The documents, each made when first asked for and kept as text: kubectl reads them for explain and validation. */
const texts = new Map<string, string>();

/** The JSON at /openapi/v2, /openapi/v3 or /openapi/v3/{api/v1, apis/{group}/{version}}. Throws 404. */
export function openApiDocument(path: string): string {
  let text = texts.get(path);
  if (text === undefined) {
    const document = make(path);
    if (document === undefined) throw pathNotFound();
    text = JSON.stringify(document);
    texts.set(path, text);
  }
  return text;
}

function make(path: string): unknown {
  if (path === '/openapi/v2') return openApiV2();
  if (path === '/openapi/v3') return openApiV3Index();
  return path.startsWith('/openapi/v3/') ? openApiV3(path.slice('/openapi/v3/'.length)) : undefined;
}
