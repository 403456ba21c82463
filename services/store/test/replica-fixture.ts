import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '@raftsman/telemetry';
import type { Security, TlsFiles } from '@raftsman/wire';
import { onTestFinished } from 'vitest';
import type { AppliedEntry, StateMachine } from '../src/contract.js';
import { startReplica, type ReplicaOptions, type RunningReplica } from '../src/replica/index.js';
import { freePorts } from '../../../test/support/ports.js';
import { until } from '../../../test/support/until.js';

/** Keys and values; a proposal is `key=value`, its result the number of proposals applied so far. */
export class TinyStateMachine implements StateMachine {
  readonly values = new Map<string, string>();
  readonly history: string[] = [];

  apply({ data }: { readonly data: Uint8Array }): AppliedEntry {
    const text = Buffer.from(data).toString();
    const [key = '', value = ''] = text.split('=');
    this.values.set(key, value);
    this.history.push(text);
    return {
      rows: [{ key: Buffer.from(key), value: Buffer.from(value) }],
      result: this.history.length,
    };
  }

  async restore(
    batches: AsyncIterable<readonly { readonly key: Uint8Array; readonly value: Uint8Array }[]>,
  ): Promise<void> {
    this.values.clear();
    for await (const rows of batches)
      for (const { key, value } of rows)
        this.values.set(Buffer.from(key).toString(), Buffer.from(value).toString());
  }
}

export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'raftsman-store-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

export interface TestMember {
  readonly name: string;
  readonly stateMachine: TinyStateMachine;
  readonly running: RunningReplica;
}

/** Members in this process, over real connections and data directories. */
export class TestCluster {
  readonly running = new Map<string, TestMember>();
  readonly #names: readonly string[];
  readonly #directory: string;
  readonly #ports: readonly number[];
  readonly #changes: Partial<ReplicaOptions>;
  readonly #tls: TlsFiles | null;

  private constructor(
    names: readonly string[],
    directory: string,
    ports: readonly number[],
    changes: Partial<ReplicaOptions>,
    tls: TlsFiles | null,
  ) {
    this.#names = names;
    this.#directory = directory;
    this.#ports = ports;
    this.#changes = changes;
    this.#tls = tls;
  }

  static async create(
    size: number,
    changes: Partial<ReplicaOptions> = {},
    tls: TlsFiles | null = null,
  ): Promise<TestCluster> {
    const names = Array.from({ length: size }, (_, index) => `m${index + 1}`);
    const cluster = new TestCluster(names, await temporaryDirectory(), await freePorts(size), changes, tls);
    onTestFinished(() => cluster.stopAll());
    return cluster;
  }

  peerUrl(name: string): string {
    return `http://127.0.0.1:${this.#ports[this.#names.indexOf(name)]}`;
  }

  /** `tls`: this member's own files; without, plain text. */
  async start(
    name: string,
    changes: Partial<ReplicaOptions> = {},
    tls: TlsFiles | null = this.#tls,
  ): Promise<TestMember> {
    const security: Security = tls ?? 'insecure';
    const stateMachine = new TinyStateMachine();
    const members = this.#names.map((each) => ({
      name: each,
      peerUrls: [this.peerUrl(each)],
      isWitness: false,
    }));
    const running = await startReplica({
      name,
      initialMembers: members,
      initialState: 'new',
      checkFirstStart: () => undefined,
      peerUrls: members.find((member) => member.name === name)!.peerUrls,
      targetsOf: (peerUrls) => peerUrls.map((url) => ({ target: new URL(url).host, security })),
      clusterToken: 'test',
      clientUrls: [`http://${name}:2379`],
      dataDirectory: join(this.#directory, name),
      listeners: [
        {
          address: `127.0.0.1:${this.#ports[this.#names.indexOf(name)]}`,
          security,
        },
      ],
      heartbeatIntervalMs: 20,
      electionTimeoutMs: 200,
      readLease: false,
      snapshotCount: 10_000,
      snapshotCatchUpEntries: 5_000,
      stateMachine,
      logger: createLogger({ component: name, level: 'silent' }),
      ...this.#changes,
      ...changes,
    });
    const member = { name, stateMachine, running };
    this.running.set(name, member);
    return member;
  }

  async startAll(): Promise<readonly TestMember[]> {
    return Promise.all(this.#names.map((name) => this.start(name)));
  }

  /** The disk of a member that does not run is replaced by an empty one. */
  async loseData(name: string): Promise<void> {
    await rm(join(this.#directory, name), { recursive: true });
  }

  async stop(name: string): Promise<void> {
    const member = this.running.get(name);
    this.running.delete(name);
    await member?.running.stop();
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.running.keys()].map((name) => this.stop(name)));
  }

  leader(): Promise<TestMember> {
    return until('a leader', () =>
      [...this.running.values()].find(({ running }) => running.replica.status().role === 'leader'),
    );
  }

  async follower(): Promise<TestMember> {
    const leader = await this.leader();
    return [...this.running.values()].find((member) => member !== leader)!;
  }
}
