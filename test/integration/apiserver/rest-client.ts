import { readFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { request } from 'node:https';
import type { TestBed } from './harness.js';

/** What the apiserver answered; `json` is the first line, if it is an object. */
export interface Answer {
  readonly code: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly json: Record<string, unknown>;
}

/** HTTPS requests to a test bed's apiserver, as one of its identities (null: without a certificate) or as the administrator. */
export function restClient(currentBed: () => TestBed) {
  const send = (
    user: string | null,
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
    onChunk?: (text: string, stop: () => void) => void,
  ): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const bed = currentBed();
      const { folder } = bed.pki;
      const identity =
        user === null
          ? {}
          : { cert: readFileSync(folder.certFile(user)), key: readFileSync(folder.keyFile(user)) };
      const ca = readFileSync(folder.certFile('ca'));
      const sent = request(
        `${bed.api.url}${path}`,
        {
          method,
          ca,
          ...identity,
          agent: false,
          headers: { 'content-type': 'application/json', ...headers },
        },
        (answer) => {
          let text = '';
          answer.setEncoding('utf8');
          const finish = (): void => {
            const json = text.startsWith('{') ? (JSON.parse(text.split('\n')[0]!) as Answer['json']) : {};
            resolve({ code: answer.statusCode!, headers: answer.headers, text, json });
          };
          answer.on('data', (chunk: string) => {
            text += chunk;
            onChunk?.(text, () => answer.destroy());
          });
          answer.on('close', finish);
        },
      );
      sent.on('error', reject);
      const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
      if (text !== '') sent.setHeader('content-length', Buffer.byteLength(text));
      sent.end(text);
    });
  const admin = (
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
    onChunk?: (text: string, stop: () => void) => void,
  ): Promise<Answer> => send('admin', method, path, body, headers, onChunk);
  return { send, admin };
}

export const maps = '/api/v1/namespaces/default/configmaps';
export const configMap = (name: string, more: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, ...more },
});
