import { once } from 'node:events';
import type { Http2ServerResponse } from 'node:http2';
import type { ApiError } from '@raftsman/api';
import type { WatchEvent } from '../cacher/watch-event.js';
import type { Watcher } from '../cacher/watcher.js';

const headers = { 'content-type': 'application/json', 'cache-control': 'no-cache, private' };

/** Streams a watch as lines of JSON until it ends, its time is up or the client is gone. */
export async function streamWatch(
  response: Http2ServerResponse,
  watcher: Watcher,
  line: (event: WatchEvent) => string,
  timeoutMs: number,
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => {
    watcher.end('closed');
    gone.abort();
  });
  const timer = setTimeout(() => watcher.end('timeout'), timeoutMs).unref();
  response.writeHead(200, headers);
  flush(response);
  try {
    for (let batch = await watcher.next(); batch !== null; batch = await watcher.next()) {
      if (gone.signal.aborted) return;
      if (!response.write(batch.map(line).join(''))) {
        await once(response, 'drain', { signal: gone.signal }).catch(() => undefined); // aborted: the client is gone
      }
    }
  } finally {
    clearTimeout(timer);
    watcher.end('closed');
  }
  response.end();
}

/** A watch that cannot start is answered by one ERROR event, which is where clients look for 410. */
export function streamWatchError(response: Http2ServerResponse, error: ApiError): void {
  response.writeHead(200, headers);
  response.end(`${JSON.stringify({ type: 'ERROR', object: error.status })}\n`);
}

/** The headers go out at once, so that the client knows that it watches before anything happens. */
function flush(response: Http2ServerResponse): void {
  const http1 = response as unknown as { flushHeaders?: () => void };
  http1.flushHeaders?.();
}
