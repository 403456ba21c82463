import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { openSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { credentials, Metadata, status, type Client, type ServiceError } from '@grpc/grpc-js';
import { loadService, wireLimits } from '@raftsman/wire';
import { onTestFinished } from 'vitest';
import { freePorts } from '../../../test/support/ports.js';
import { temporaryDirectory } from './replica-fixture.js';
import { until } from '../../../test/support/until.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../..', import.meta.url));
const entry = fileURLToPath(new URL('./store-main.mjs', import.meta.url));

/** Processes run what the compiler made: brings it up to date. */
export async function build(): Promise<void> {
  await run(join(root, 'node_modules/.bin/tsc'), ['-b', 'services/store'], { cwd: root });
}

const isRunning = ({ exitCode, signalCode }: ChildProcess): boolean =>
  exitCode === null && signalCode === null;

async function answersOf({ maintenance }: StoreClients): Promise<boolean> {
  try {
    await call(maintenance, 'status', {}, { waiting: false });
    return true;
  } catch (error) {
    const { code, details } = error as ServiceError;
    return code !== status.UNAVAILABLE || details.startsWith('etcdserver: ');
  }
}

/** Of the log of a member, when a test failed. */
const [toldLines, toldLineCharacters] = [10, 300];

/** What three processes may take on a machine that is busy with other tests. */
const startMsMax = 60_000;

const memberNames = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `m${index + 1}`);

type Unary = (
  request: object,
  metadata: Metadata,
  options: { readonly deadline: number },
  callback: (error: ServiceError | null, answer: never) => void,
) => void;

/** Calls one method, waiting for a connection but not for ever: a member that begins, or begins again, is no error. Without `waiting` it is one at once. */
export function call<Answer>(
  client: Client,
  method: string,
  request: object,
  { waiting = true } = {},
): Promise<Answer> {
  const metadata = new Metadata({ waitForReady: waiting });
  const deadline = Date.now() + startMsMax;
  return new Promise((resolve, reject) => {
    const methods = client as unknown as Record<string, Unary>;
    methods[method]!(request, metadata, { deadline }, (error, answer) =>
      error ? reject(error) : resolve(answer),
    );
  });
}

export interface StoreClients {
  readonly kv: Client;
  readonly maintenance: Client;
  readonly lease: Client;
  readonly watch: Client;
  readonly cluster: Client;
}

/** Members as processes of their own, on loopback without TLS. */
export class StoreProcesses {
  /** Those that the cluster begins with: m1, m2 and m3. */
  readonly names: readonly string[] = ['m1', 'm2', 'm3'];
  /** Started together, and not waited for yet. */
  readonly #awaited = new Set<string>();
  /** There are addresses for more: m4 and so on. */
  readonly #sizeMax: number;
  readonly #directory: string;
  readonly #ports: readonly number[];
  readonly #flags: readonly string[];
  readonly #processes = new Map<string, ChildProcess>();
  readonly #clients = new Map<string, StoreClients>();

  private constructor(
    directory: string,
    ports: readonly number[],
    flags: readonly string[],
    size: number,
    sizeMax: number,
  ) {
    this.names = memberNames(size);
    this.#sizeMax = sizeMax;
    this.#directory = directory;
    this.#ports = ports;
    this.#flags = flags;
  }

  /** `size` members, and addresses for `sizeMax`. */
  static async create(flags: readonly string[] = [], size = 3, sizeMax = size): Promise<StoreProcesses> {
    const ports = await freePorts(2 * sizeMax);
    const stores = new StoreProcesses(await temporaryDirectory(), ports, flags, size, sizeMax);
    onTestFinished(async ({ task }) => {
      if (task.result?.state === 'fail') await stores.#tell();
      await stores.#end();
    });
    return stores;
  }

  /** `nodeFlags`: of Node.js. */
  start(
    name: string,
    options: { readonly flags?: readonly string[]; readonly nodeFlags?: readonly string[] } = {},
  ): void {
    const log = openSync(join(this.#directory, `${name}.log`), 'a');
    const flags = [...this.#flagsOf(name, this.#index(name)), ...this.#flags, ...(options.flags ?? [])];
    const command = [...(options.nodeFlags ?? []), entry, ...flags];
    const child = spawn(process.execPath, command, { stdio: ['ignore', log, log] });
    this.#processes.set(name, child);
  }

  /** From now on no write of the process may reach beyond so many bytes of a file. */
  async limitFiles(name: string, sizeBytes: number): Promise<void> {
    const { pid } = this.#processes.get(name)!;
    await run('prlimit', ['--pid', String(pid), `--fsize=${sizeBytes}`]);
  }

  startAll(): void {
    for (const name of this.names) {
      this.start(name);
      this.#awaited.add(name);
    }
  }

  /** SIGKILL; resolves when the kernel has taken the process away. */
  async kill(name: string): Promise<void> {
    const child = this.#processes.get(name);
    this.#processes.delete(name);
    if (child === undefined || !isRunning(child)) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }

  /** The exit code, once the process has ended by itself. */
  async ended(name: string): Promise<number | null> {
    const child = this.#processes.get(name)!;
    if (isRunning(child)) await new Promise((resolve) => child.once('exit', resolve));
    return child.exitCode;
  }

  /** The disk of a member that does not run is replaced by an empty one. */
  async loseData(name: string): Promise<void> {
    await rm(join(this.#directory, name), { recursive: true });
  }

  /** Of a member that was not started yet: where it will look, and who it will be. */
  memberToBe(name: string) {
    const members = this.names.map((each) => ({
      name: each,
      peerUrls: [this.peerUrl(each)],
      isWitness: false,
    }));
    return {
      dataDirectory: join(this.#directory, name),
      members,
      name,
      clusterToken: 'etcd-cluster',
    };
  }

  peerUrl(name: string): string {
    return `http://127.0.0.1:${this.#ports[this.#sizeMax + this.#index(name)]}`;
  }

  /** As --initial-cluster takes it. */
  clusterOf(names: readonly string[]): string {
    return names.map((name) => `${name}=${this.peerUrl(name)}`).join(',');
  }

  /** Of the process that was started last. */
  pid(name: string): number {
    return this.#processes.get(name)!.pid!;
  }

  log(name: string): Promise<string> {
    return readFile(join(this.#directory, `${name}.log`), 'utf8');
  }

  clients(name: string): StoreClients {
    let clients = this.#clients.get(name);
    if (clients === undefined) {
      const target = `127.0.0.1:${this.#ports[this.#index(name)]}`;
      const create = (service: string): Client => {
        const Constructor = loadService('etcd/rpc.proto', `etcdserverpb.${service}`);
        const options = {
          'grpc.initial_reconnect_backoff_ms': 50,
          'grpc.max_reconnect_backoff_ms': 200,
          'grpc.max_receive_message_length': wireLimits.receiveMessageBytesMax,
        };
        return new Constructor(target, credentials.createInsecure(), options);
      };
      clients = {
        kv: create('KV'),
        cluster: create('Cluster'),
        maintenance: create('Maintenance'),
        lease: create('Lease'),
        watch: create('Watch'),
      };
      this.#clients.set(name, clients);
    }
    return clients;
  }

  /** Resolves when the member has answered a call, be it with a refusal: a connection by itself may be to the process that was killed before. */
  async serving(name: string): Promise<void> {
    const child = this.#processes.get(name)!;
    const answers = (): Promise<boolean> => {
      if (!isRunning(child)) throw new Error(`${name} ended with ${child.signalCode ?? child.exitCode}`);
      return answersOf(this.clients(name));
    };
    await until(`${name} to take calls`, answers, startMsMax);
  }

  /** The name of the member that leads and knows it; after `startAll` once all of them take calls. */
  async leader(): Promise<string> {
    const awaited = [...this.#awaited].filter((name) => this.#processes.get(name)?.exitCode === null);
    this.#awaited.clear();
    await Promise.all(awaited.map((name) => this.serving(name)));
    return until('a leader', () => this.#askForLeader(), startMsMax);
  }

  async #askForLeader(): Promise<string | undefined> {
    for (const [name, { exitCode }] of this.#processes) {
      if (exitCode !== null) continue;
      const said = await call<{ leader: string; header: { memberId: string } }>(
        this.clients(name).maintenance,
        'status',
        {},
        { waiting: false },
      ).catch(() => null);
      if (said !== null && said.leader !== '0' && said.leader === said.header.memberId) return name;
    }
    return undefined;
  }

  /** What each process said last: the reason of a failure is mostly there. */
  async #tell(): Promise<void> {
    for (const [name, { exitCode }] of this.#processes) {
      const lines = (await this.log(name)).trimEnd().split('\n').slice(-toldLines);
      const state = exitCode === null ? 'runs' : `ended with code ${exitCode}`;
      console.error(
        [`${name} ${state}`, ...lines.map((line) => line.slice(0, toldLineCharacters))].join('\n'),
      );
    }
  }

  async #end(): Promise<void> {
    for (const clients of this.#clients.values())
      for (const client of Object.values(clients) as Client[]) client.close();
    await Promise.all([...this.#processes.keys()].map((name) => this.kill(name)));
  }

  #index(name: string): number {
    return memberNames(this.#sizeMax).indexOf(name);
  }

  #flagsOf(name: string, at: number): readonly string[] {
    const clientUrl = `http://127.0.0.1:${this.#ports[at]}`;
    const peerUrl = this.peerUrl(name);
    return [
      `--name=${name}`,
      `--data-dir=${join(this.#directory, name)}`,
      `--listen-client-urls=${clientUrl}`,
      `--advertise-client-urls=${clientUrl}`,
      `--listen-peer-urls=${peerUrl}`,
      `--initial-advertise-peer-urls=${peerUrl}`,
      `--initial-cluster=${this.clusterOf(this.names)}`,
    ];
  }
}
