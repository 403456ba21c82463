import { request as httpsRequest } from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { Http2ServerResponse } from 'node:http2';
import {
  badRequest,
  failure,
  findResource,
  internal,
  type KubeObject,
  type Node,
  type Pod,
} from '@raftsman/api';
import { limits } from '../limits.js';
import { boolean, wholeNumber } from './query.js';

/** How the apiserver shows itself to the agents. */
export interface AgentSecurity {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** Where an agent serves one container's log. */
export interface LogPlace {
  readonly host: string;
  readonly port: number;
  readonly path: string;
}

const passedOn = ['follow', 'previous', 'timestamps'] as const;
const passedOnNumbers = ['tailLines', 'limitBytes', 'sinceSeconds'] as const;

export const nodesResource = findResource('', 'v1', 'nodes')!;

/** The container whose log is meant: the one named, or the only one. Throws 400. */
export function containerOf(pod: Pod, query: URLSearchParams): string {
  const names = [...(pod.spec.containers ?? []), ...(pod.spec.initContainers ?? [])].map(({ name }) => name);
  const asked = query.get('container') ?? '';
  const { name = '' } = pod.metadata;
  if (asked !== '') {
    if (names.includes(asked)) return asked;
    throw badRequest(`container ${asked} is not valid for pod ${name}`);
  }
  const main = (pod.spec.containers ?? []).map((each) => each.name);
  if (main.length === 1) return main[0]!;
  throw badRequest(`a container name must be specified for pod ${name}, choose one of: [${main.join(' ')}]`);
}

/** Throws 400 if nobody runs the pod yet, 500 if its node names no address. */
export function logPlace(pod: Pod, node: KubeObject, container: string, query: URLSearchParams): LogPlace {
  const { status } = node as unknown as Node;
  const host = status?.addresses?.find(({ type }) => type === 'InternalIP')?.address;
  const port = status?.daemonEndpoints?.kubeletEndpoint?.Port;
  if (host === undefined || port === undefined) {
    throw internal(`node ${JSON.stringify(pod.spec.nodeName)} does not say where its agent is`);
  }
  const { namespace = '', name = '' } = pod.metadata;
  const parameters = new URLSearchParams();
  for (const each of passedOn) if (boolean(query, each)) parameters.set(each, 'true');
  for (const each of passedOnNumbers) {
    const value = wholeNumber(query, each);
    if (value !== undefined) parameters.set(each, String(value));
  }
  const since = query.get('sinceTime');
  if (since !== null) parameters.set('sinceTime', since);
  const path = ['containerLogs', namespace, name, container].map(encodeURIComponent).join('/');
  return { host, port, path: `/${path}?${parameters.toString()}` };
}

/** Passes the agent's answer through as it comes. Rejects with an ApiError if the agent does not give one. */
export async function streamLog(
  response: Http2ServerResponse,
  place: LogPlace,
  security: AgentSecurity,
): Promise<void> {
  const answer = await ask(place, security);
  if (answer.statusCode !== 200) {
    const text = await firstText(answer);
    throw failure(answer.statusCode ?? 500, answer.statusCode === 404 ? 'NotFound' : 'BadRequest', text, {});
  }
  response.once('close', () => answer.destroy());
  response.writeHead(200, { 'content-type': 'text/plain' });
  (response as unknown as { flushHeaders?: () => void }).flushHeaders?.();
  await new Promise<void>((resolve) => {
    answer.once('close', resolve);
    answer.on('error', () => response.end()); // the agent went away; what came so far is the answer
    answer.pipe(response as unknown as NodeJS.WritableStream);
  });
}

function ask({ host, port, path }: LogPlace, security: AgentSecurity): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest({ host, port, path, ...security, agent: false });
    const timer = setTimeout(() => request.destroy(new Error('it does not answer')), limits.agentConnectMs);
    request.once('response', (answer) => {
      clearTimeout(timer);
      resolve(answer);
    });
    request.once('error', (error) => {
      clearTimeout(timer);
      reject(internal(`the agent at ${host}:${port} could not be asked: ${error.message}`, error));
    });
    request.end();
  });
}

const errorTextBytesMax = 4_096;

async function firstText(answer: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of answer) {
    text += String(chunk);
    if (text.length >= errorTextBytesMax) break;
  }
  return text.slice(0, errorTextBytesMax).trim();
}
