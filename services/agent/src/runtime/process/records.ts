import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContainerConfig, PodSandboxConfig } from '../runtime.js';

/**
 * What the process runtime remembers across its own death: enough to kill what it left behind, and to tell how a
 * container ended. Variables and mounts are not kept: they may hold secrets, and a dead container is not started again.
 */
export interface SandboxRecord {
  readonly id: string;
  readonly config: PodSandboxConfig;
  readonly createdAtMs: number;
  readonly ready: boolean;
  /** Empty on the host's network. */
  readonly ip: string;
}

export type ContainerLife =
  | { readonly state: 'created' }
  | {
      readonly state: 'running';
      readonly startedAtMs: number;
      readonly pid: number;
      readonly startTicks: number;
      /** The kernel's boot id: a pid means nothing after a reboot. */
      readonly bootId: string;
    }
  | {
      readonly state: 'exited';
      readonly startedAtMs: number;
      readonly finishedAtMs: number;
      readonly exitCode: number;
      readonly reason: string;
      readonly message: string;
    };

export interface ContainerRecord {
  readonly id: string;
  readonly sandboxId: string;
  readonly config: Pick<ContainerConfig, 'metadata' | 'image' | 'imageRef' | 'labels' | 'annotations'>;
  readonly logPath: string;
  readonly createdAtMs: number;
  readonly life: ContainerLife;
}

/** One JSON file a record, replaced whole. They need not outlive a power failure: neither do the processes. */
export class RecordStore<R extends { readonly id: string }> {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Reads all; a torn file is dropped, for its rename never happened. */
  async load(): Promise<readonly R[]> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const records: R[] = [];
    for (const name of await readdir(this.#directory)) {
      if (!name.endsWith('.json')) {
        await rm(join(this.#directory, name), { force: true });
        continue;
      }
      records.push(JSON.parse(await readFile(join(this.#directory, name), 'utf8')) as R);
    }
    return records;
  }

  async put(record: R): Promise<void> {
    const path = join(this.#directory, `${record.id}.json`);
    await writeFile(`${path}.new`, JSON.stringify(record), { mode: 0o600 });
    await rename(`${path}.new`, path);
  }

  async remove(id: string): Promise<void> {
    await rm(join(this.#directory, `${id}.json`), { force: true });
  }
}
