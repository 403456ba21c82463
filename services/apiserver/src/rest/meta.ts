import { aggregatedDiscovery, apiGroup, apiGroupList, apiResourceList, apiVersions } from './discovery.js';
import type { Call } from './handler.js';
import { negotiate } from './negotiate.js';
import { openApiDocument, openApiV2Protobuf } from './openapi.js';
import { sendBytes, sendJsonText, sendValue } from './respond.js';
import { version } from './version.js';

/** What the server says of itself: discovery, version, OpenAPI. false: no such path. */
export function answerMeta(call: Call, serverAddress: string): boolean {
  const { exchange, pathname, request } = call;
  const path = pathname.length > 1 ? pathname.replace(/\/+$/, '') : pathname;
  const accept = String(request.headers.accept ?? '');
  if (path.startsWith('/openapi/')) {
    if (
      path === '/openapi/v2' &&
      accept.includes(openApiV2Protobuf.asked) &&
      !/application\/json\s*(,|$)/.test(accept)
    ) {
      sendBytes(exchange, 200, openApiV2Protobuf.bytes, { 'content-type': openApiV2Protobuf.type });
      return true;
    }
    negotiate(accept, ['']); // any other protobuf alone is refused
    sendJsonText(exchange, 200, openApiDocument(path));
    return true;
  }
  if (path === '/api' || path === '/apis') {
    const representation = negotiate(accept, ['', 'APIGroupDiscoveryList']);
    const root = path === '/api' ? 'api' : 'apis';
    const value =
      representation.as === 'APIGroupDiscoveryList'
        ? aggregatedDiscovery(root)
        : root === 'api'
          ? apiVersions(serverAddress)
          : apiGroupList();
    sendValue(exchange, 200, value, representation);
    return true;
  }
  const value = documentAt(path);
  if (value === null) return false;
  sendValue(exchange, 200, value, negotiate(accept, ['']));
  return true;
}

function documentAt(path: string): object | null {
  const [root, first, second, ...rest] = path.split('/').slice(1);
  if (root === 'version' && first === undefined) return version;
  if (root === '' && first === undefined) return rootPaths;
  if (root === 'api' && first !== undefined && second === undefined) return apiResourceList('', first);
  if (root !== 'apis' || first === undefined || rest.length > 0) return null;
  return second === undefined ? apiGroup(first) : apiResourceList(first, second);
}

const rootPaths = {
  paths: [
    '/api',
    '/api/v1',
    '/apis',
    '/healthz',
    '/livez',
    '/openapi/v2',
    '/openapi/v3',
    '/readyz',
    '/version',
  ],
};
