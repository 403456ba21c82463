import { setTimeout as sleep } from 'node:timers/promises';
import type { Pod } from '@raftsman/api';
import { adminCall, adminGet, ApiRefusal, readyNodes, type List } from '../cluster/admin.js';
import type { ClusterAt } from '../cluster/members.js';
import { UserError } from '../errors.js';
import { livePid } from '../process/pids.js';
import { leadingMaster } from './leader.js';
import { startSteadyWriter } from './writer.js';
import type { Timeline } from './timeline.js';

const stepTimeoutMs = 60_000;

/** Deploys, kills the leading master and a worker, and measures how long the cluster takes to heal. The cluster must be up. */
export async function tour(at: ClusterAt, timeline: Timeline, deployment: object): Promise<void> {
  await deployStep(at, timeline, deployment);
  await leaderStep(at, timeline);
  await workerStep(at, timeline);
}

async function deployStep(at: ClusterAt, timeline: Timeline, deployment: object): Promise<void> {
  await removeDeployment(at);
  timeline.mark('deploy hello: 2 replicas');
  const startMs = performance.now();
  await adminCall(at, {
    method: 'POST',
    path: '/apis/apps/v1/namespaces/default/deployments',
    body: { contentType: 'application/json', text: JSON.stringify(deployment) },
  });
  await until('2 pods Ready', async () => (await readyPods(at)).length === 2);
  timeline.measured('deploy → 2 pods Ready', performance.now() - startMs);
}

async function leaderStep(at: ClusterAt, timeline: Timeline): Promise<void> {
  const writer = await startSteadyWriter(at, 'demo-writes');
  await until('writes flow', () => Promise.resolve(writer.accepted() >= 20));
  const leader = await leadingMaster(at);
  const pid = leader === null ? null : livePid(at.paths, leader);
  if (leader === null || pid === null) throw new UserError('no leading master to kill; is the cluster up?');
  timeline.mark(`kill -9 ${leader}: the leading store, its apiserver and controllers`);
  const killedMs = performance.now();
  process.kill(pid, 'SIGKILL');
  await writer.firstAcceptedAfter(killedMs);
  timeline.measured(
    'leading master killed → longest gap between accepted writes',
    writer.longestGapMs(killedMs),
  );
  await writer.stop();
}

async function workerStep(at: ClusterAt, timeline: Timeline): Promise<void> {
  const before = await readyPods(at);
  const victim = before[0]?.spec?.nodeName;
  const pid = victim === undefined ? null : livePid(at.paths, victim);
  if (victim === undefined || pid === null)
    throw new UserError('no worker runs a pod of hello; is the cluster up?');
  timeline.mark(`kill -9 ${victim}: a worker with a pod of hello`);
  const killedMs = performance.now();
  process.kill(pid, 'SIGKILL');
  await until('node NotReady', async () => !(await readyNodes(at)).includes(victim));
  timeline.measured('worker killed → node NotReady', performance.now() - killedMs);
  await until('replacement Running', async () => {
    const ready = await readyPods(at);
    return ready.length >= 2 && ready.every((pod) => pod.spec?.nodeName !== victim);
  });
  timeline.measured('worker killed → replacement Running and Ready', performance.now() - killedMs);
}

async function readyPods(at: ClusterAt): Promise<readonly Pod[]> {
  const { items } = await adminGet<List<Pod>>(
    at,
    '/api/v1/namespaces/default/pods?labelSelector=app%3Dhello',
  );
  return items.filter(
    (pod) =>
      pod.metadata.deletionTimestamp === undefined &&
      pod.status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True'),
  );
}

async function removeDeployment(at: ClusterAt): Promise<void> {
  try {
    await adminCall(at, {
      method: 'DELETE',
      path: '/apis/apps/v1/namespaces/default/deployments/hello?propagationPolicy=Background',
    });
  } catch (error) {
    if (!(error instanceof ApiRefusal) || error.code !== 404) throw error;
  }
  await until('an earlier hello is gone', async () => {
    const { items } = await adminGet<List<Pod>>(
      at,
      '/api/v1/namespaces/default/pods?labelSelector=app%3Dhello',
    );
    return items.length === 0;
  });
}

/** Asks again and again; an apiserver that is just dying does not count as an answer. */
async function until(what: string, reached: () => Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + stepTimeoutMs;
  while (!(await reached().catch(() => false))) {
    if (performance.now() > deadlineMs)
      throw new UserError(`${what}: not reached in ${stepTimeoutMs / 1_000} s`);
    await sleep(25);
  }
}
