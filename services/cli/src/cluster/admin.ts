import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import type { ClusterAt } from './members.js';
import { certFile, keyFile } from './paths.js';

export interface AdminRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: { readonly contentType: string; readonly text: string };
}

/** The API refused: its HTTP code and what it said. */
export class ApiRefusal extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.name = 'ApiRefusal';
    this.code = code;
  }
}

/**
 * One call through the gateway as the administrator, on a connection of its own; answers the parsed JSON. Rejects with ApiRefusal, or with another error
 * if there is no answer within `timeoutMs`.
 */
export function adminCall<T>(at: ClusterAt, wanted: AdminRequest, timeoutMs = 2_000): Promise<T> {
  return new Promise((resolve, reject) => {
    const call = request(
      {
        host: at.cluster.gateway.address,
        port: at.cluster.gateway.httpsPort,
        method: wanted.method,
        path: wanted.path,
        ca: readFileSync(certFile(at.paths, 'ca')),
        cert: readFileSync(certFile(at.paths, 'admin')),
        key: readFileSync(keyFile(at.paths, 'admin')),
        agent: false,
        headers: {
          accept: 'application/json',
          ...(wanted.body === undefined ? {} : { 'content-type': wanted.body.contentType }),
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          const code = response.statusCode ?? 0;
          if (code < 200 || code > 299)
            reject(new ApiRefusal(code, `${wanted.method} ${wanted.path}: ${code} ${text.slice(0, 300)}`));
          else resolve(JSON.parse(text) as T);
        });
      },
    );
    const deadline = setTimeout(
      () => call.destroy(new Error(`${wanted.path}: no answer within ${timeoutMs} ms`)),
      timeoutMs,
    );
    call.on('close', () => clearTimeout(deadline));
    call.on('error', reject);
    call.end(wanted.body?.text);
  });
}

export const adminGet = <T>(at: ClusterAt, path: string, timeoutMs?: number): Promise<T> =>
  adminCall<T>(at, { method: 'GET', path }, timeoutMs);

export interface List<T> {
  readonly items: readonly T[];
}

export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly message?: string;
}

export interface Named {
  readonly metadata: { readonly name: string };
}

/** Names of the nodes that are Ready. */
export async function readyNodes(at: ClusterAt): Promise<readonly string[]> {
  const nodes = await adminGet<
    List<Named & { readonly status?: { readonly conditions?: readonly Condition[] } }>
  >(at, '/api/v1/nodes');
  return nodes.items
    .filter((node) => node.status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True'))
    .map((node) => node.metadata.name);
}

/** Masters, stores and leaders as the apiserver judges them: name, healthy or not, and why. */
export async function componentHealth(
  at: ClusterAt,
): Promise<readonly { readonly name: string; readonly healthy: boolean; readonly message: string }[]> {
  const list = await adminGet<List<Named & { readonly conditions: readonly Condition[] }>>(
    at,
    '/api/v1/componentstatuses',
    5_000,
  );
  return list.items.map((component) => {
    const condition = component.conditions.find((one) => one.type === 'Healthy');
    return {
      name: component.metadata.name,
      healthy: condition?.status === 'True',
      message: condition?.message ?? '',
    };
  });
}
