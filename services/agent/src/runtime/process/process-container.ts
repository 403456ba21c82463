import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '@raftsman/telemetry';
import { agentLimits } from '../../limits.js';
import { RuntimeError, type ContainerConfig, type ExecResult } from '../runtime.js';
import { makeContainerRoot, volumeVariables, workingDirectory } from './container-root.js';
import { launch, type Launch, type Launched } from './launch.js';
import { LogWriter } from './log-writer.js';
import {
  containerIdVariable,
  containerProcesses,
  killContainerProcesses,
  signalAll,
  type ProcessLeader,
} from './process-table.js';
import type { ContainerLife, ContainerRecord, RecordStore } from './records.js';

const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export interface ContainerHost {
  readonly store: RecordStore<ContainerRecord>;
  /** Directory of the container's private root. */
  readonly directory: string;
  readonly bootId: string;
  readonly setpriv: string | undefined;
  readonly logger: Logger;
  changed(): void;
}

/** One container: a process, its descendants, and its log. */
export class ProcessContainer {
  #record: ContainerRecord;
  /** Absent for one that an earlier agent made: it can be looked at and removed, not started. */
  readonly #config: ContainerConfig | undefined;
  readonly #host: ContainerHost;
  readonly #podVariables: Readonly<Record<string, string>>;
  #ended: Promise<void> = Promise.resolve();

  constructor(
    host: ContainerHost,
    record: ContainerRecord,
    config?: ContainerConfig,
    podVariables: Readonly<Record<string, string>> = {},
  ) {
    this.#host = host;
    this.#record = record;
    this.#config = config;
    this.#podVariables = podVariables;
  }

  get record(): ContainerRecord {
    return this.#record;
  }

  async start(): Promise<void> {
    if (this.#record.life.state !== 'created' || this.#config === undefined)
      throw new RuntimeError('FailedPrecondition', `container is ${this.#record.life.state}`);
    const root = this.#root();
    const log = await LogWriter.open(this.#record.logPath, (error) => {
      this.#host.logger.error({ err: error, container: this.#record.id }, 'a container log lost output');
    });
    let child: Launched;
    try {
      await makeContainerRoot(root, this.#config);
      child = await launch({
        ...(await this.#launchOptions(this.#config)),
        argv: [...this.#config.command, ...this.#config.args],
      });
    } catch (error) {
      await log.close();
      await this.#failedToStart(error);
      throw error;
    }
    await this.#supervise(child, log);
  }

  /** SIGTERM to its processes, SIGKILL to what is left after the grace. */
  async stop(graceMs: number): Promise<void> {
    const leader = this.#leader();
    if (leader === undefined) return this.#ended;
    if (graceMs > 0) {
      signalAll(await containerProcesses(leader), 'SIGTERM');
      await withTimeout(this.#ended, graceMs);
    }
    await killContainerProcesses(leader);
    await this.#ended;
  }

  async remove(): Promise<void> {
    await this.stop(0);
    await this.#host.store.remove(this.#record.id);
    await rm(this.#host.directory, { recursive: true, force: true });
  }

  /** What an earlier agent left running is killed: its output has nowhere to go. */
  async recover(): Promise<void> {
    const { life } = this.#record;
    if (life.state !== 'running') return;
    const sameBoot = life.bootId === this.#host.bootId;
    const leader = { containerId: this.#record.id, pid: life.pid, startTicks: life.startTicks };
    const killed = sameBoot ? await killContainerProcesses(leader) : 0;
    await this.#setLife({
      state: 'exited',
      startedAtMs: life.startedAtMs,
      finishedAtMs: Date.now(),
      exitCode: 137,
      reason: 'Error',
      message: `the agent ended, and its processes with it (${killed} of them only now)`,
    });
  }

  async exec(command: readonly string[], timeoutMs: number): Promise<ExecResult> {
    if (this.#record.life.state !== 'running' || this.#config === undefined)
      throw new RuntimeError('FailedPrecondition', `container is ${this.#record.life.state}`);
    const child = await launch({ ...(await this.#launchOptions(this.#config)), argv: command });
    const done = Promise.all([collect(child.stdout), collect(child.stderr), child.exited]);
    const result = await withTimeout(done, timeoutMs);
    if (result !== timedOut) return { stdout: result[0], stderr: result[1], exitCode: result[2] };
    killGroup(child.pid);
    child.stdout.destroy();
    child.stderr.destroy();
    throw new RuntimeError('DeadlineExceeded', `command timed out after ${timeoutMs} ms`);
  }

  #root(): string {
    return join(this.#host.directory, 'root');
  }

  async #launchOptions(config: ContainerConfig): Promise<Omit<Launch, 'argv'>> {
    const root = this.#root();
    const { runAsUser, runAsGroup } = config.security;
    return {
      env: {
        PATH: defaultPath,
        HOME: root,
        ...this.#podVariables,
        ...volumeVariables(root, config),
        ...Object.fromEntries(config.env.map(({ name, value }) => [name, value])),
        [containerIdVariable]: this.#record.id,
      },
      cwd: await workingDirectory(root, config),
      ...(runAsUser === undefined ? {} : { uid: runAsUser }),
      ...(runAsGroup === undefined ? {} : { gid: runAsGroup }),
      ...(this.#host.setpriv === undefined ? {} : { setpriv: this.#host.setpriv }),
    };
  }

  async #supervise(child: Launched, log: LogWriter): Promise<void> {
    const logged = Promise.all([log.copy(child.stdout, 'stdout'), log.copy(child.stderr, 'stderr')]);
    // A pipe breaks when it is cut at the end; #finish waits for it either way.
    logged.catch(() => undefined);
    const { pid, startTicks } = child;
    const startedAtMs = Date.now();
    await this.#setLife({ state: 'running', startedAtMs, pid, startTicks, bootId: this.#host.bootId });
    this.#ended = this.#finish(child, logged, log, startedAtMs);
    this.#ended.catch((error: unknown) => {
      this.#host.logger.error({ err: error, container: this.#record.id }, 'ending a container');
    });
  }

  /** A container ends with its first process: what that one leaves behind is killed. */
  async #finish(
    child: Launched,
    logged: Promise<unknown>,
    log: LogWriter,
    startedAtMs: number,
  ): Promise<void> {
    const exitCode = await child.exited;
    const leader = this.#leader();
    if (leader !== undefined) await killContainerProcesses(leader);
    // With every writer dead the pipes end by themselves; a process that hid from us must not hold the container open.
    const cut = setTimeout(() => {
      child.stdout.destroy();
      child.stderr.destroy();
    }, 1_000);
    await logged.catch(() => undefined);
    clearTimeout(cut);
    await log.close();
    await this.#setLife({
      state: 'exited',
      startedAtMs,
      finishedAtMs: Date.now(),
      exitCode,
      reason: exitCode === 0 ? 'Completed' : 'Error',
      message: '',
    });
    this.#host.changed();
  }

  async #failedToStart(error: unknown): Promise<void> {
    const at = Date.now();
    await this.#setLife({
      state: 'exited',
      startedAtMs: at,
      finishedAtMs: at,
      exitCode: 128,
      reason: 'StartError',
      message: error instanceof Error ? error.message : String(error),
    });
  }

  #leader(): ProcessLeader | undefined {
    const { id, life } = this.#record;
    if (life.state !== 'running') return undefined;
    return { containerId: id, pid: life.pid, startTicks: life.startTicks };
  }

  async #setLife(life: ContainerLife): Promise<void> {
    this.#record = { ...this.#record, life };
    await this.#host.store.put(this.#record);
  }
}

const timedOut = Symbol('timed out');

async function withTimeout<T>(promise: Promise<T>, timeoutMs: number): Promise<T | typeof timedOut> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<typeof timedOut>((resolve) => {
    timer = setTimeout(() => resolve(timedOut), timeoutMs);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/** What does not fit is read and thrown away, so that the command can go on. */
async function collect(stream: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = [];
  let left: number = agentLimits.execOutputBytesMax;
  try {
    for await (const chunk of stream) {
      const bytes = chunk as Buffer;
      if (left > 0) chunks.push(bytes.subarray(0, left));
      left -= bytes.length;
    }
  } catch (error) {
    // Cut by the timeout, which is what the caller hears of.
    if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  }
  return Buffer.concat(chunks).toString('utf8');
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
