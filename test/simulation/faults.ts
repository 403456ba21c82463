import { logIndex, term } from '@raftsman/raft';
import { changeMembership } from './changes.js';
import { crash } from './crash.js';
import type { SimulatedCluster } from './cluster.js';
import type { SimulatedMember } from './member.js';

/** Clients and misfortunes, each a chain of events at random distances. */
export function startFaultsAndClients(cluster: SimulatedCluster): void {
  const { plan, random } = cluster;
  repeat(cluster, plan.proposalEveryMs, () => cluster.propose(random.between(1, 3)));
  repeat(cluster, plan.readEveryMs, () => cluster.read());
  repeat(cluster, plan.crashEveryMs, () => crashSome(cluster));
  repeat(cluster, plan.partitionEveryMs, () => partition(cluster));
  repeat(cluster, plan.falseAlarmEveryMs, () => raiseFalseAlarm(cluster));
  repeat(cluster, plan.transferEveryMs, () => transferLeadership(cluster));
  repeat(cluster, plan.pauseEveryMs, () => pause(cluster));
  repeat(cluster, plan.changeEveryMs, () => changeMembership(cluster));
  if (plan.diskLostAtMs > 0) cluster.timeline.after(plan.diskLostAtMs, () => loseDisk(cluster));
}

function repeat(cluster: SimulatedCluster, everyMs: number, what: () => void): void {
  if (everyMs === 0) return;
  const { timeline, random } = cluster;
  const plan = (): void =>
    timeline.after(1 + random.below(2 * everyMs), () => {
      if (cluster.isHealed) return;
      what();
      plan();
    });
  plan();
}

export function leaderOf(cluster: SimulatedCluster): SimulatedMember | undefined {
  return cluster.members.find((member) => member.isLeader);
}

/** Mostly the leader, sometimes everybody at once. */
function crashSome(cluster: SimulatedCluster): void {
  const { random, members } = cluster;
  const all = random.chance(0.1);
  const victim = (random.chance(0.5) ? leaderOf(cluster) : undefined) ?? random.pick(members);
  for (const member of all ? members : [victim]) crash(cluster, member);
}

/** It asks all the others, each when that one is up, how far it may have been. */
function loseDisk(cluster: SimulatedCluster): void {
  const { random, members, mutation } = cluster;
  const victim = random.pick(members);
  victim.loseDisk();
  const others = random.shuffled(members.filter((member) => member !== victim));
  if (mutation.comesBack === 'blank') victim.rebuild({ from: term(0), until: logIndex(0) });
  else if (mutation.comesBack === 'unknown-to-majority') beginIfUnknown(cluster, victim, others);
  else rebuild(cluster, victim, mutation.comesBack === 'asking-one' ? others.slice(0, 1) : others);
}

function rebuild(
  { random, timeline, mutation }: SimulatedCluster,
  victim: SimulatedMember,
  asked: readonly SimulatedMember[],
): void {
  let latest = 0;
  let until = 0;
  const ask = (left: readonly SimulatedMember[]): void => {
    const [next, ...rest] = left;
    if (next === undefined) {
      const from = term(mutation.comesBack === 'in-known-term' ? latest : latest + 1);
      victim.rebuild({ from, until: logIndex(mutation.comesBack === 'voting' ? 0 : until) });
      return;
    }
    const status = next.status();
    latest = Math.max(latest, status?.term ?? 0);
    until = Math.max(until, status?.lastIndex ?? 0);
    timeline.after(1 + random.below(30), () => ask(status === null ? left : rest));
  };
  ask(asked);
}

/** A bug planted on purpose: those who are up and never heard of it are believed once they are a majority. */
function beginIfUnknown(
  cluster: SimulatedCluster,
  victim: SimulatedMember,
  others: readonly SimulatedMember[],
): void {
  const up = others.filter(({ isUp }) => isUp);
  if (up.some(({ id }) => cluster.hasMet(id, victim.id))) rebuild(cluster, victim, others);
  else if (up.length > others.length / 2) victim.rebuild({ from: term(0), until: logIndex(0) });
  else cluster.timeline.after(5, () => beginIfUnknown(cluster, victim, others));
}

/** Two sides, or one member alone; in both directions or in one. */
function partition(cluster: SimulatedCluster): void {
  const { random, members, network, counts, plan } = cluster;
  const leader = leaderOf(cluster);
  // A leader alone with its belief is the most dangerous side of all.
  const alone = random.chance(0.3) && leader !== undefined ? [leader] : [];
  const shuffled = [...alone, ...random.shuffled(members.filter((member) => !alone.includes(member)))];
  const sizeOfOneSide = alone.length > 0 || random.chance(0.3) ? 1 : random.between(1, members.length - 1);
  const oneWay = random.chance(0.3);
  for (const near of shuffled.slice(0, sizeOfOneSide)) {
    for (const far of shuffled.slice(sizeOfOneSide)) {
      network.cut(near.id, far.id);
      if (!oneWay) network.cut(far.id, near.id);
    }
  }
  counts.partitions += 1;
  cluster.timeline.after(1 + random.below(plan.partitionForMsMax), () => network.mend());
}

/** A connection breaks, and nobody has died. */
function raiseFalseAlarm(cluster: SimulatedCluster): void {
  const { random, members, counts } = cluster;
  const [who, about] = random.shuffled(members);
  if (who === undefined || about === undefined) return;
  counts.falseAlarms += 1;
  who.act((raft) => raft.reportUnreachable((leaderOf(cluster) ?? about).id));
}

/** Mostly the leader: who stands still while others go on wakes up with old beliefs. */
function pause(cluster: SimulatedCluster): void {
  const { random, members, counts, plan } = cluster;
  const victim = (random.chance(0.7) ? leaderOf(cluster) : undefined) ?? random.pick(members);
  counts.pauses += 1;
  victim.pause(1 + random.below(plan.pauseForMsMax));
}

function transferLeadership(cluster: SimulatedCluster): void {
  const { random, members, counts } = cluster;
  const leader = leaderOf(cluster);
  if (leader === undefined) return;
  counts.transfers += 1;
  leader.act((raft) => raft.transferLeadership(random.pick(members).id));
}
