import { open } from 'node:fs/promises';
import { agentLimits } from '../limits.js';
import { readLog } from '../logs/read-log.js';
import { terminationMessagePathAnnotation, terminationMessagePolicyAnnotation } from '../runtime/labels.js';
import type { ContainerStatus } from '../runtime/runtime.js';
import type { PodRuntimeState } from './pod-state.js';

/**
 * Termination messages: what a container wrote to its terminationMessagePath or, if it failed silently and asked for it, the
 * end of its log. Read once for each container that ended.
 */
export class LastWords {
  readonly #byContainer = new Map<string, string>();

  /** The same state with the messages of the containers that ended. */
  async addTo(state: PodRuntimeState): Promise<PodRuntimeState> {
    const ids = new Set(state.containers.map(({ id }) => id));
    for (const id of this.#byContainer.keys()) if (!ids.has(id)) this.#byContainer.delete(id);
    const containers: ContainerStatus[] = [];
    for (const container of state.containers) {
      if (container.state !== 'exited') containers.push(container);
      else {
        const words = await this.#of(container);
        containers.push(words === '' ? container : { ...container, message: words });
      }
    }
    return { ...state, containers };
  }

  async #of(ended: ContainerStatus): Promise<string> {
    const known = this.#byContainer.get(ended.id);
    if (known !== undefined) return known;
    const path = ended.annotations[terminationMessagePathAnnotation];
    let words = path === undefined ? '' : await readStart(path);
    const fallback = ended.annotations[terminationMessagePolicyAnnotation] === 'FallbackToLogsOnError';
    if (words === '' && fallback && ended.exitCode !== 0) words = await readEnd(ended.logPath);
    this.#byContainer.set(ended.id, words);
    return words;
  }
}

/** Empty if there is no such file: the pod may have mounted something over it. */
async function readStart(path: string): Promise<string> {
  const file = await open(path, 'r').catch(() => undefined);
  if (file === undefined) return '';
  try {
    const block = Buffer.alloc(agentLimits.terminationMessageBytesMax);
    const { bytesRead } = await file.read(block, 0, block.length, 0);
    return block.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}

async function readEnd(logPath: string): Promise<string> {
  const blocks: Buffer[] = [];
  const options = {
    tailLines: agentLimits.terminationLogLinesMax,
    timestamps: false,
    follow: false,
    isRunning: () => false,
    signal: new AbortController().signal,
  };
  try {
    for await (const block of readLog(logPath, options)) blocks.push(block);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return Buffer.concat(blocks).subarray(-agentLimits.terminationLogBytesMax).toString('utf8');
}
