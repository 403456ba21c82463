import { changeMembership } from './changes.js';
import { SimulatedCluster } from './cluster.js';
import { startFaultsAndClients } from './faults.js';
import { Violation } from './oracle.js';
import { planOf } from './plan.js';
import type { Mutation, Plan } from './plan.js';
import { Random } from './random.js';
import type { Counts } from './world.js';

export interface Run extends Counts {
  readonly seed: number;
  readonly elections: number;
  readonly committed: number;
  readonly violation: Violation | null;
}

/** How long a healed cluster may take: many election timeouts, each at most 200 ms here. */
const convergesWithinMs = 8000;
const checkEveryMs = 60;

/** One seed, one whole life of a cluster: first safety under faults, then all is healed and it must make progress. */
export function simulate(seed: number, mutation: Mutation = {}, change: Partial<Plan> = {}): Run {
  const random = new Random(seed);
  const cluster = new SimulatedCluster({ ...planOf(random), ...change }, random, mutation);
  let violation: Violation | null = null;
  try {
    startFaultsAndClients(cluster);
    cluster.timeline.runUntil(cluster.plan.faultsForMs);
    cluster.heal();
    converge(cluster);
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    violation = error;
  }
  const { elections, committed } = cluster.oracle;
  return { ...cluster.counts, seed, elections, committed, violation };
}

/** A leader, equal logs, and new proposals applied by everyone; where members change, once more after one more change. */
function converge(cluster: SimulatedCluster): void {
  settle(cluster);
  if (cluster.plan.changeEveryMs === 0) return;
  const { timeline } = cluster;
  const deadlineMs = timeline.nowMs + convergesWithinMs;
  const before = cluster.counts.changes;
  while (cluster.counts.changes === before) {
    if (timeline.nowMs > deadlineMs) throw notConverged(cluster, 'no change of the members');
    changeMembership(cluster);
    timeline.runUntil(timeline.nowMs + checkEveryMs);
  }
  settle(cluster);
}

function settle(cluster: SimulatedCluster): void {
  const { timeline, members, oracle, plan } = cluster;
  const deadlineMs = timeline.nowMs + convergesWithinMs;
  let proposed: readonly Uint8Array[] = [];
  while (timeline.nowMs < deadlineMs) {
    timeline.runUntil(timeline.nowMs + checkEveryMs);
    const leader = members.find((member) => member.isLeader)?.status();
    if (leader?.configurationInProgress !== false) continue;
    const { voters, learners } = leader.configuration;
    const inOffice = members.filter(({ id }) => voters.includes(id) || learners.includes(id));
    // Only these promises keep a member that was removed, and was never told, from disturbing the others for ever.
    if (!plan.preVote && !plan.checkQuorum)
      for (const member of members) if (!inOffice.includes(member)) member.destroy();
    const settled = inOffice.every(
      (member) => member.isGone || member.isWitness || member.applied === oracle.committed,
    );
    if (settled && proposed.length > 0 && proposed.every((data) => oracle.applied.has(data))) return;
    // A proposal at a member without a leader is refused: ask again.
    if (settled) proposed = cluster.propose(3);
  }
  throw notConverged(cluster, 'not converged');
}

function notConverged({ members }: SimulatedCluster, what: string): Violation {
  const where = members.map(
    (member) => `${member.id}: ${describe(member.status())}, applied ${member.applied}`,
  );
  return new Violation('liveness', `${what} ${convergesWithinMs} ms after healing (${where.join('; ')})`);
}

const describe = (status: ReturnType<SimulatedCluster['members'][number]['status']>): string =>
  status === null
    ? 'down'
    : `${status.role} in term ${status.term}, log up to ${status.lastIndex}, voters ${status.configuration.voters.join(' ')}${status.configurationInProgress ? ' (in progress)' : ''}`;
