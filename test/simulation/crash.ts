import type { SimulatedMember } from './member.js';
import type { World } from './world.js';

type Cluster = World & { readonly members: readonly SimulatedMember[] };

/** One member's power goes, and comes back some time later. Others may see their connections to it break, and open. */
export function crash(cluster: Cluster, victim: SimulatedMember): void {
  const { random, timeline, plan, counts } = cluster;
  if (!victim.isUp) return;
  victim.crash();
  counts.crashes += 1;
  for (const other of cluster.members) {
    if (other === victim || !random.chance(plan.crashNoticed)) continue;
    timeline.after(1 + random.below(5), () => other.act((raft) => raft.reportUnreachable(victim.id)));
  }
  timeline.after(1 + random.below(plan.restartAfterMsMax), () => {
    if (victim.isUp) return;
    victim.start();
    if (random.chance(plan.crashNoticed)) connect(cluster, victim);
  });
}

/** One after the other, as they come to it. */
function connect({ members, timeline, random }: Cluster, restarted: SimulatedMember): void {
  for (const other of members) {
    if (other === restarted) continue;
    timeline.after(1 + random.below(5), () => {
      for (const each of [other, restarted]) each.act((raft) => raft.reportReachable());
    });
  }
}
