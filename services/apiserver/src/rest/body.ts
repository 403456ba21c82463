import type { Http2ServerRequest } from 'node:http2';
import { badRequest, requestEntityTooLarge } from '@raftsman/api';
import { limits } from '../limits.js';

/** The whole body. Rejects with 413 beyond the limit, and 400 if the client leaves in the middle or takes too long. */
export function readBody(request: Http2ServerRequest): Promise<Buffer> {
  const tooLarge = (): Error => requestEntityTooLarge(`limit is ${limits.bodyBytesMax}`);
  return new Promise((resolve, reject) => {
    if (Number(request.headers['content-length'] ?? 0) > limits.bodyBytesMax) return reject(tooLarge());
    const chunks: Buffer[] = [];
    let length = 0;
    const settle = (end: () => void): void => {
      clearTimeout(timer);
      request.removeAllListeners('data');
      end();
    };
    const timer = setTimeout(
      () => settle(() => reject(badRequest('the body did not arrive in time'))),
      limits.requestTimeoutMs,
    );
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > limits.bodyBytesMax) return settle(() => reject(tooLarge()));
      chunks.push(chunk);
    });
    request.once('end', () => settle(() => resolve(Buffer.concat(chunks))));
    for (const event of ['aborted', 'error', 'close'] as const) {
      request.once(event, () => settle(() => reject(badRequest('the client closed the connection'))));
    }
  });
}
