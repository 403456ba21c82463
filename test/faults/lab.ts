import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import {
  emptyStore,
  FaultLedger,
  Recorder,
  Replay,
  validateWatch,
  type KvInput,
  type KvOutput,
  type PutOutput,
  type RangeOutput,
  type WatchRecord,
} from '@raftsman/faults';
import { eventually, repositoryRoot } from '../support/cluster.js';
import { Random } from '../simulation/random.js';
import { connect, isReady, type Connection } from './client.js';
import { hashKv, leadingMember } from './cluster.js';
import { startMembers, type Member } from './members.js';
import { Run } from './run.js';
import { Observer } from './watching.js';
import { send, type Request } from './wire.js';

/** Members for one scripted scenario, with what scenarios need. */
export interface Lab {
  readonly run: Run;
  readonly members: readonly Member[];
  readonly ledger: FaultLedger;
  connection(member: Member): Connection;
  leader(): Promise<Member>;
  /** One attempt on one member. */
  ask<Output extends KvOutput>(member: Member, input: Request, timeoutMs?: number): Promise<Output>;
  /** Tries until some member of those (default: all) takes it; the revision. */
  put(key: string, value: string, members?: readonly Member[]): Promise<number>;
  /** What breaks a watch's promises, after all observers have seen up to `revision`. */
  violations(watches: readonly WatchRecord[], revision: number): Promise<readonly string[]>;
  /** All members hold the same at one revision; throws if they do not within half a minute. */
  agree(): Promise<void>;
}

/** Builds what the members run. */
export async function buildStore(): Promise<void> {
  const tsc = join(repositoryRoot, 'node_modules/.bin/tsc');
  await promisify(execFile)(tsc, ['-b', 'services/cli'], { cwd: repositoryRoot });
}

/** Starts members, plays the scenario, removes everything. A member that ends by itself fails it. */
export async function inLab(
  options: { readonly size: number; readonly flags?: readonly string[] },
  scenario: (lab: Lab) => Promise<void>,
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'lab-'));
  const members = await startMembers({ ...options, directory });
  const connections = members.all.map(connect);
  const recorder = new Recorder<KvInput, KvOutput>(() => performance.now());
  const run = new Run({ random: new Random(1), members, connections, recorder });
  members.onUnexpectedEnd = ({ name }, how) => run.anomaly(`${name} died: ${how}`);
  const observers = members.all.map((member) => new Observer(run, member));
  const ledger = new FaultLedger();
  const lab = createLab(run, ledger, connections, observers);
  try {
    for (const connection of connections)
      await eventually(async () => {
        if (!(await isReady(connection, 500))) throw new Error('a member does not listen yet');
      });
    await lab.put('s/first', 'x');
    await scenario(lab);
    await ledger.healAll();
    if (run.anomalies.length > 0) throw new Error(run.anomalies.join('\n'));
  } finally {
    await ledger.close();
    await Promise.all(observers.map((observer) => observer.stop()));
    for (const connection of connections) connection.close();
    await members.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

function createLab(
  run: Run,
  ledger: FaultLedger,
  connections: readonly Connection[],
  observers: readonly Observer[],
): Lab {
  const { all } = run.members;
  const ask = async <Output extends KvOutput>(
    member: Member,
    input: Request,
    timeoutMs = 2_000,
  ): Promise<Output> => {
    const progress = run.expectProgress(member);
    const output = await send(run.connection(member), input, timeoutMs);
    progress(output.revision);
    return output as Output;
  };
  return {
    run,
    members: all,
    ledger,
    connection: (member) => run.connection(member),
    leader: () =>
      eventually(async () => {
        const member = await leadingMember(connections);
        if (member === null) throw new Error('no leader');
        return member;
      }),
    ask,
    put: async (key, value, members = all) => {
      let turn = 0;
      const attempt = (): Promise<PutOutput> =>
        ask(members[turn++ % members.length]!, { op: 'put', key, value }, 1_000);
      return (await eventually(attempt)).revision;
    },
    violations: async (watches, revision) => {
      await eventually(() => {
        const behind = observers.find(({ told }) => told < revision);
        if (behind !== undefined) throw new Error(`an observer was told up to ${behind.told} of ${revision}`);
      });
      const replay = new Replay(emptyStore);
      const found: string[] = [];
      for (let next = 2; next <= revision; next += 1) {
        const events = run.truth.events(next);
        if (events === null) return [`no observer was told of revision ${next}`];
        found.push(...replay.append(events));
      }
      for (const watch of watches)
        found.push(
          ...validateWatch(watch, replay).map(
            ({ guarantee, message }) => `${watch.id}: ${guarantee}: ${message}`,
          ),
        );
      return found;
    },
    agree: () =>
      eventually(async () => {
        const newest = await ask<RangeOutput>(all[0]!, { op: 'range', key: 's/', end: 's0' });
        const hashes = await Promise.all(
          connections.map((connection) => hashKv(connection, newest.revision)),
        );
        if (new Set(hashes.map(({ hash }) => hash)).size !== 1)
          throw new Error(`members differ: ${JSON.stringify(hashes)}`);
      }),
  };
}

/** Puts without a pause from several writers until `stop`; what was acknowledged, in no order. */
export function writeAlong(lab: Lab, members: readonly Member[], prefix = 's/load/') {
  const acknowledged = new Map<string, { readonly value: string; readonly revision: number }>();
  let isStopped = false;
  const writers = Array.from({ length: 6 }, async (_, writer) => {
    for (let i = 0; !isStopped; i += 1) {
      const key = `${prefix}${writer}/${String(i).padStart(6, '0')}`;
      const member = members[(writer + i) % members.length]!;
      try {
        const { revision } = await lab.ask<PutOutput>(member, { op: 'put', key, value: `${i}` }, 1_000);
        acknowledged.set(key, { value: `${i}`, revision });
      } catch {
        // Unknown: nothing is expected of it.
        await sleep(10);
      }
    }
  });
  return {
    acknowledged,
    stop: async () => {
      isStopped = true;
      await Promise.all(writers);
    },
  };
}
