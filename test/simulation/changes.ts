import { configurationOf } from '@raftsman/raft';
import type { Configuration, MemberId, ProposedConfiguration } from '@raftsman/raft';
import type { SimulatedCluster } from './cluster.js';
import type { Random } from './random.js';

/** An administrator who never has enough: adds, promotes, removes and replaces members, also the leader, one or several at once. */

interface Change {
  readonly next: ProposedConfiguration;
  /** Processes that are started for it. */
  readonly joining: readonly { readonly id: MemberId; readonly isWitness: boolean }[];
}

type Wish =
  'learner' | 'promotion' | 'voter' | 'removal' | 'replacement' | 'several' | 'witness' | 'directory';
const wishes: readonly Wish[] = [
  'learner',
  'promotion',
  'promotion',
  'voter',
  'removal',
  'removal',
  'replacement',
  'several',
  'witness',
  'directory',
];

/** Whoever believes to lead is asked; it may refuse. Answers whether it took the change. */
export function changeMembership(cluster: SimulatedCluster, wish?: Wish): boolean {
  const { random, members } = cluster;
  const believers = members.filter((member) => member.isLeader && !member.isPaused);
  const leader = believers.length > 0 ? random.pick(believers) : undefined;
  const status = leader?.status();
  if (leader === undefined || status === null || status === undefined) return false;
  const change = changeOf(status.configuration, wish ?? random.pick(wishes), cluster);
  if (change === null) return false;
  let refusal: string | null = 'not-up';
  leader.act((raft) => (refusal = raft.proposeConfiguration(change.next)));
  if (refusal !== null) return false;
  for (const { id, isWitness } of change.joining) cluster.join(id, isWitness);
  return true;
}

/** null: makes no sense now. */
function changeOf(present: Configuration, wish: Wish, cluster: SimulatedCluster): Change | null {
  const { random, spare } = cluster;
  const { voters, outgoing, learners, witnesses } = present;
  if (outgoing.length > 0) return { next: takenBack(present), joining: [] };
  const joining = spare === null ? [] : [{ id: spare, isWitness: false }];
  const added = spare === null ? [] : [spare];
  const anyVoter = random.shuffled(voters).slice(0, 1);
  const ready = learners.slice(0, 1);
  const newcomer = ready.length > 0 ? ready : added;
  const from = { present, random };
  switch (wish) {
    case 'learner':
      return { next: { ...present, learners: [...learners, ...added] }, joining };
    case 'promotion':
      return { next: changed(from, learners.slice(0, random.between(1, 2)), []), joining: [] };
    case 'voter':
      return { next: changed(from, added, []), joining };
    case 'removal':
      return voters.length > 2 ? { next: changed(from, [], anyVoter), joining: [] } : null;
    case 'replacement':
      return { next: changed(from, newcomer, anyVoter), joining: ready.length > 0 ? [] : joining };
    case 'several': {
      const leaving = random.shuffled(voters).slice(0, Math.min(2, voters.length - 1));
      return { next: changed(from, newcomer, leaving), joining: ready.length > 0 ? [] : joining };
    }
    case 'witness': {
      if (witnesses.length > 0 && random.chance(0.5))
        return { next: changed(from, [], witnesses.slice(0, 1)), joining: [] };
      const leaving = witnesses.slice(0, 1);
      const next = changed(from, added, leaving);
      return {
        next: { ...next, witnesses: added },
        joining: joining.map(({ id }) => ({ id, isWitness: true })),
      };
    }
    case 'directory':
      return { next: { ...present, directory: new Uint8Array(random.below(9)) }, joining: [] };
  }
}

/** Who no longer votes may go on as a learner never: it leaves, and so does, now and then, a learner. */
function changed(
  { present, random }: { readonly present: Configuration; readonly random: Random },
  added: readonly MemberId[],
  removed: readonly MemberId[],
): ProposedConfiguration {
  const voters = [...present.voters.filter((member) => !removed.includes(member)), ...added];
  const stay = present.learners.filter((member) => !added.includes(member));
  const learners = random.chance(0.1) ? stay.slice(1) : stay;
  const witnesses = present.witnesses.filter((member) => voters.includes(member));
  return { ...configurationOf(voters, { learners, witnesses }), directory: present.directory };
}

const takenBack = ({ outgoing, learners, witnesses, directory }: Configuration): ProposedConfiguration => ({
  voters: outgoing,
  learners,
  witnesses: witnesses.filter((member) => outgoing.includes(member)),
  directory,
});
