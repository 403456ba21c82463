import { configurationOf, type Configuration } from '@raftsman/raft';
import { memberIdOf, type InitialMember } from '../identity.js';
import { encodeDirectory, noDirectory, type Directory, type DirectoryMember } from './directory.js';

/** What --initial-cluster says: how a new cluster begins. */

export function firstDirectory(initialMembers: readonly InitialMember[], clusterToken: string): Directory {
  const members = initialMembers.map((member): DirectoryMember => {
    const { name, peerUrls, isWitness } = member;
    const id = memberIdOf(member, clusterToken);
    return { id, name, peerUrls: peerUrls.toSorted(), clientUrls: [], isWitness };
  });
  return { ...noDirectory, members };
}

export function firstConfiguration(
  initialMembers: readonly InitialMember[],
  clusterToken: string,
): Configuration {
  const directory = firstDirectory(initialMembers, clusterToken);
  const voters = directory.members.map(({ id }) => id);
  const witnesses = directory.members.filter(({ isWitness }) => isWitness).map(({ id }) => id);
  return configurationOf(voters, { witnesses, directory: encodeDirectory(directory) });
}
