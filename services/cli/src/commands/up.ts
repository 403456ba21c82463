import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { rackPlan } from '@raftsman/rack';
import { adminGet, componentHealth, readyNodes } from '../cluster/admin.js';
import { groundOf, type Ground } from '../cluster/ground.js';
import { clusterMembers, type ClusterAt, type Member } from '../cluster/members.js';
import { logFile } from '../cluster/paths.js';
import { prepareState } from '../cluster/prepare.js';
import { requireStateFolder } from '../cluster/state-folder.js';
import { UserError } from '../errors.js';
import { cliLimits } from '../limits.js';
import { ensurePrerequisites } from '../prerequisites.js';
import { livePid, writePid } from '../process/pids.js';
import { alone } from '../process/lock.js';
import { portTaken } from '../process/ports.js';
import { spawnDetached } from '../process/spawn.js';
import { stopMembers } from '../process/stop.js';
import { addLocationFlags, locate, named, type LocationOptions } from './location.js';

/** `raftsman up`: starts what does not run yet and waits until every node is Ready. */
export function upCommand(): Command {
  return addLocationFlags(new Command('up').description('start the cluster; safe to repeat'))
    .option('--rebuild <master>', 'this master lost its disk: its store is filled from the others')
    .action(async (options: LocationOptions & { readonly rebuild?: string }) => {
      const at = locate(options);
      const rebuilt =
        options.rebuild === undefined ? null : named(at.cluster.masters, options.rebuild, 'master').name;
      await up(at, (line) => console.log(line), rebuilt);
    });
}

/** `rebuilt`: the master whose disk was lost, if one was. */
export async function up(
  at: ClusterAt,
  say: (line: string) => void,
  rebuilt: string | null = null,
): Promise<void> {
  const startedMs = performance.now();
  requireStateFolder(at.paths);
  const ground = groundOf(at);
  ground.require();
  ensurePrerequisites(at.cluster, say);
  await alone(at.paths, () => bringUp(at, ground, say, rebuilt));
  say(`\n${at.cluster.name} is up after ${((performance.now() - startedMs) / 1_000).toFixed(1)} s`);
  say(whatNext(at));
}

async function bringUp(
  at: ClusterAt,
  ground: Ground,
  say: (line: string) => void,
  rebuilt: string | null,
): Promise<void> {
  const members = clusterMembers(at, rebuilt);
  const notRunning = (): readonly Member[] =>
    members.filter((member) => livePid(at.paths, member.member) === null);
  let missing = notRunning();
  if (at.cluster.kind === 'local') await requireFreePorts(missing);
  await prepareState(at);
  try {
    await ground.prepare(say);
    missing = notRunning();
    if (missing.length === 0) say('everything runs already');
    start(at, ground, missing, say);
    await waitUntilReady(at, missing, say);
    await sayWhoIsUnwell(at, say);
  } catch (error) {
    await stopMembers(
      at.paths,
      missing.map((member) => member.member),
    );
    if (missing.length === members.length) await ground.dispose();
    throw error;
  }
}

/** Throws UserError naming the first port that somebody else has: nothing is started then. */
async function requireFreePorts(members: readonly Member[]): Promise<void> {
  for (const { member, listens } of members) {
    for (const { address, port } of listens) {
      if (await portTaken(address, port)) {
        throw new UserError(
          `port ${port} on ${address} is taken, and ${member} needs it; stop what listens there, or change the cluster file`,
        );
      }
    }
  }
}

function start(at: ClusterAt, ground: Ground, members: readonly Member[], say: (line: string) => void): void {
  for (const member of members) {
    const child = spawnDetached(member, at.paths, ground.prefix(member.machine));
    if (child.pid === undefined)
      throw new UserError(`cannot start ${member.member}; see ${logFile(at.paths, member.member)}`);
    writePid(at.paths, member.member, child.pid);
  }
  if (members.length > 0) say(`started ${members.map((member) => member.member).join(', ')}`);
}

/** Says each step as it is reached. Throws UserError if one is not, with the end of the log that should tell why. */
async function waitUntilReady(
  at: ClusterAt,
  started: readonly Member[],
  say: (line: string) => void,
): Promise<void> {
  const deadlineMs = performance.now() + cliLimits.upTimeoutMs;
  const until = async (what: string, reached: () => Promise<boolean>): Promise<void> => {
    for (;;) {
      if (await reached().catch(() => false)) break;
      const dead = started.find(({ member }) => livePid(at.paths, member) === null);
      if (dead !== undefined)
        throw new UserError(`${dead.member} ended while starting: ${lastLogLine(at, dead.member)}`);
      if (performance.now() > deadlineMs)
        throw new UserError(
          `${what}: not reached in ${cliLimits.upTimeoutMs / 1_000} s; see ${at.paths.logs}`,
        );
      await sleep(100);
    }
    say(`  ${what}`);
  };
  await until('apiserver answers through the gateway, the store has a leader', async () => {
    await adminGet(at, '/api/v1/namespaces/default');
    return true;
  });
  const wanted = at.cluster.workers.map((worker) => worker.name);
  await until(`${wanted.length} of ${wanted.length} nodes Ready`, async () => {
    const ready = await readyNodes(at);
    return wanted.every((name) => ready.includes(name));
  });
}

/** A cluster works while a minority of its masters does not, so that is no failure; but whoever starts it should hear of it. */
async function sayWhoIsUnwell(at: ClusterAt, say: (line: string) => void): Promise<void> {
  const deadlineMs = performance.now() + cliLimits.unwellAfterMs;
  for (;;) {
    const components = await componentHealth(at).catch(() => null);
    const unwell = components?.filter(({ healthy }) => !healthy) ?? [];
    if (components !== null && unwell.length === 0) return;
    if (performance.now() > deadlineMs) {
      const who =
        components === null ? 'componentstatuses do not answer' : unwell.map(({ name }) => name).join(', ');
      return say(`  not well: ${who}; see "raftsman status" and ${at.paths.logs}`);
    }
    await sleep(200);
  }
}

function lastLogLine(at: ClusterAt, member: string): string {
  const file = logFile(at.paths, member);
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  return `${lines.at(-1) ?? ''} (${file})`;
}

function whatNext(at: ClusterAt): string {
  const here = (path: string): string => relative(process.cwd(), path) || path;
  const pki = here(at.paths.pki);
  const stores = at.cluster.masters.map((m) => `https://${m.address}:${m.storeClientPort}`).join(',');
  return [
    'next:',
    `  export KUBECONFIG=${here(at.paths.kubeconfig)}`,
    '  kubectl get nodes',
    '  kubectl apply -f examples/hello.yaml && kubectl rollout status deployment/hello',
    `  etcdctl --endpoints=${stores} --cacert=${pki}/ca.crt --cert=${pki}/etcd-client.crt --key=${pki}/etcd-client.key endpoint status -w table`,
    ...(at.cluster.kind === 'local' ? localNext : rackNext(at, here(at.configFile))),
  ].join('\n');
}

const localNext: readonly string[] = [
  '  make demo     # kill a leader and a worker, watch it heal',
  '  make down     # stop; the data stays',
];

function rackNext(at: ClusterAt, configFile: string): readonly string[] {
  const { name, namespace } = rackPlan(at.cluster).machines.at(-1)!;
  return [
    `  nsenter --net=/run/netns/${namespace} bash     # be on ${name}: workers reach pods and Services`,
    `  bin/raftsman fault cut ${name} --config ${configFile}     # pull its network cable; "mend" puts it back`,
    `  bin/raftsman down --config ${configFile}     # stop; the data stays`,
  ];
}
