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

/** A leader, equal logs, and new proposals applied by everyone. */
function converge(cluster: SimulatedCluster): void {
  const { timeline, members, oracle } = cluster;
  const deadlineMs = timeline.nowMs + convergesWithinMs;
  let proposed: readonly Uint8Array[] = [];
  while (timeline.nowMs < deadlineMs) {
    timeline.runUntil(timeline.nowMs + checkEveryMs);
    const settled = members.every((member) => member.applied === oracle.committed);
    if (settled && proposed.length > 0 && proposed.every((data) => oracle.applied.has(data))) return;
    // A proposal at a member without a leader is refused: ask again.
    if (settled && members.some((member) => member.isLeader)) proposed = cluster.propose(3);
  }
  const where = members.map(
    (member) => `${member.id}: ${describe(member.status())}, applied ${member.applied}`,
  );
  throw new Violation(
    'liveness',
    `not converged ${convergesWithinMs} ms after healing (${where.join('; ')})`,
  );
}

const describe = (status: ReturnType<SimulatedCluster['members'][number]['status']>): string =>
  status === null ? 'down' : `${status.role} in term ${status.term}, log up to ${status.lastIndex}`;
