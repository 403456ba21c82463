import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { agentLimits } from '../limits.js';
import { readLog } from '../logs/read-log.js';
import type { PodManager } from '../pods/pod-manager.js';
import { initContainersOf } from '../pods/pod-state.js';
import type { PodWorker } from '../pods/pod-worker.js';
import type { ContainerStatus, Runtime } from '../runtime/runtime.js';
import { isNotFound } from '../runtime/runtime.js';
import { parseLogQuery } from './log-query.js';

/** An answer other than 200, as text: the apiserver makes a Status of it. */
export class HttpError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'HttpError';
    this.status = status;
  }
}

export interface LogTarget {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}

/** Serves `kubectl logs`. At most `logReadersMax` at a time. */
export class ContainerLogs {
  readonly #pods: PodManager;
  readonly #runtime: Runtime;
  #readers = 0;

  constructor(pods: PodManager, runtime: Runtime) {
    this.#pods = pods;
    this.#runtime = runtime;
  }

  /** Rejects with HttpError before anything is sent. Resolves when all is sent or the client is gone. */
  async serve(target: LogTarget, params: URLSearchParams, response: ServerResponse): Promise<void> {
    const query = parseLogQuery(params, Date.now());
    if (typeof query === 'string') throw new HttpError(400, query);
    if (this.#readers >= agentLimits.logReadersMax)
      throw new HttpError(429, 'too many readers of logs at one time');
    this.#readers += 1;
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    try {
      const { id, logPath } = await this.#find(target, query.previous);
      const isRunning = async (): Promise<boolean> => {
        try {
          return (await this.#runtime.containerStatus(id)).state === 'running';
        } catch (error) {
          if (isNotFound(error)) return false;
          throw error;
        }
      };
      const blocks = readLog(logPath, { ...query, isRunning, signal: gone.signal });
      response.writeHead(200, { 'content-type': 'text/plain' });
      response.flushHeaders();
      await pipeline(
        Readable.from(blocks, { objectMode: false, highWaterMark: agentLimits.logBlockBytes }),
        response,
      );
    } finally {
      this.#readers -= 1;
      gone.abort();
    }
  }

  async #find(target: LogTarget, previous: boolean): Promise<ContainerStatus> {
    const worker = this.#pods.find(target.namespace, target.pod);
    if (worker === undefined) throw new HttpError(404, `pod "${target.pod}" not found on this node`);
    const runs = worker.state.containers.filter(({ metadata }) => metadata.name === target.container);
    const [latest, before] = runs;
    const found = previous ? before : latest;
    if (found !== undefined && found.state !== 'created') return found;
    throw notThere(worker, target, previous);
  }
}

function notThere(worker: PodWorker, target: LogTarget, previous: boolean): HttpError {
  const { pod } = worker;
  const { container, pod: name } = target;
  const known = [...initContainersOf(pod), ...pod.spec.containers].some((each) => each.name === container);
  if (!known) return new HttpError(400, `container ${container} is not valid for pod ${name}`);
  if (previous)
    return new HttpError(400, `previous terminated container "${container}" in pod "${name}" not found`);
  const status = [
    ...(pod.status?.initContainerStatuses ?? []),
    ...(pod.status?.containerStatuses ?? []),
  ].find((each) => each.name === container);
  const reason = status?.state?.waiting?.reason ?? 'ContainerCreating';
  return new HttpError(400, `container "${container}" in pod "${name}" is waiting to start: ${reason}`);
}
