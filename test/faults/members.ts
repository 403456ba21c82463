import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { clockPreload, type ProcessTarget } from '@raftsman/faults';
import { repositoryRoot } from '../support/cluster.js';
import { createMachines, type Machine, type Machines } from './machines.js';

/** One `raftsman store` process, over its lives. */
export interface Member extends ProcessTarget {
  readonly index: number;
  readonly machine: Machine;
  /** `host:port` for clients. */
  readonly endpoint: string;
  readonly peerUrl: string;
  /** Counts starts: what a process promised ends with it. */
  readonly life: number;
  /** Holds the offset of its wall clock. */
  readonly clockFile: string;
  readonly logFile: string;
}

export interface Members {
  readonly machines: Machines;
  readonly all: readonly Member[];
  /** An end that no fault asked for: the member's name and how it ended. */
  onUnexpectedEnd: (member: Member, how: string) => void;
  /** Kills all and removes their machines, at once. */
  stopNow(): void;
  stop(): Promise<void>;
}

export interface MembersOptions {
  readonly directory: string;
  /** Beyond names, addresses and directories. */
  readonly flags?: readonly string[];
  /** `node --import` of these into every member, before the product. */
  readonly preloads?: readonly string[];
  /** How many. Default: 3. */
  readonly size?: number;
}

export async function startMembers(options: MembersOptions): Promise<Members> {
  const { directory, size = 3 } = options;
  const machines = await createMachines(
    directory,
    Array.from({ length: size }, (_, i) => `m${i + 1}`),
  );
  const all = machines.all.map((machine, index) => new StoreProcess(machine, index, directory));
  const cluster = all.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(',');
  const members: Members = {
    machines,
    all,
    onUnexpectedEnd: () => undefined,
    stopNow: () => {
      for (const member of all) member.killNow();
      machines.removeNow();
    },
    stop: async () => {
      for (const member of all) member.killNow();
      await Promise.all(all.map((member) => member.ended()));
      await machines.remove();
    },
  };
  for (const member of all) {
    member.words = wordsOf(member, cluster, options);
    member.onUnexpectedEnd = (how) => members.onUnexpectedEnd(member, how);
  }
  await Promise.all(all.map((member) => member.start()));
  return members;
}

function wordsOf(member: Member, cluster: string, { flags = [], preloads = [] }: MembersOptions): string[] {
  const { machine, endpoint, peerUrl, name } = member;
  const imports = [clockPreload(member.clockFile), ...preloads].flatMap((url) => ['--import', url]);
  return [
    ...machine.enter,
    process.execPath,
    '--disable-warning=DEP0123',
    ...imports,
    join(repositoryRoot, 'bin', 'raftsman'),
    'store',
    `--name=${name}`,
    `--data-dir=${join(machine.disk, 'data')}`,
    `--listen-client-urls=http://${endpoint}`,
    `--advertise-client-urls=http://${endpoint}`,
    `--listen-peer-urls=${peerUrl}`,
    `--initial-advertise-peer-urls=${peerUrl}`,
    `--initial-cluster=${cluster}`,
    ...flags,
  ];
}

class StoreProcess implements Member {
  readonly machine: Machine;
  readonly index: number;
  readonly name: string;
  readonly endpoint: string;
  readonly peerUrl: string;
  readonly clockFile: string;
  readonly logFile: string;
  words: readonly string[] = [];
  onUnexpectedEnd: (how: string) => void = () => undefined;
  life = 0;
  #child: ChildProcess | null = null;
  #end: Promise<void> = Promise.resolve();

  constructor(machine: Machine, index: number, directory: string) {
    this.machine = machine;
    this.index = index;
    this.name = machine.name;
    this.endpoint = `${machine.address}:${machine.clientPort}`;
    this.peerUrl = `http://${machine.address}:${machine.peerPort}`;
    this.clockFile = join(directory, `${machine.name}.clock`);
    this.logFile = join(directory, `${machine.name}.log`);
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  ended(): Promise<void> {
    return this.#end;
  }

  async start(): Promise<void> {
    if (this.#child !== null) return;
    this.life += 1;
    const log = openSync(this.logFile, 'a');
    const [program, ...args] = this.words;
    // Of its own process group: Ctrl-C is for the harness, which then stops its members.
    const child = spawn(program!, args, { stdio: ['ignore', log, log], detached: true });
    closeSync(log);
    this.#child = child;
    this.#end = new Promise((resolve) => {
      const finish = (how: string | null): void => {
        if (this.#child !== child) return;
        this.#child = null;
        if (how !== null) this.onUnexpectedEnd(how);
        resolve();
      };
      child.once('error', (error) => finish(error.message));
      child.once('exit', (code, signal) =>
        finish(signal === 'SIGKILL' ? null : `ended with ${signal ?? code}: ${this.lastWords()}`),
      );
    });
  }

  killNow(): void {
    this.#child?.kill('SIGKILL');
  }

  lastWords(): string {
    return readFileSync(this.logFile, 'utf8').trimEnd().split('\n').slice(-3).join(' | ').slice(-1_000);
  }
}
