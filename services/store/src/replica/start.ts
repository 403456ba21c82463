import { Journal, type Claim, type Identity } from '@raftsman/journal';
import { configurationOf, decodeConfiguration, type Configuration, type MemberId } from '@raftsman/raft';
import { ConfigError, RemovedError } from '../errors.js';
import { clusterIdOf, memberIdOf } from './identity.js';
import type { ReplicaOptions } from './index.js';
import { encodeDirectory, memberOf, noDirectory } from './members/directory.js';
import { firstConfiguration, firstDirectory } from './members/first.js';
import { findCluster, recognise } from './members/join.js';
import { Membership } from './members/membership.js';
import type { PeerAddress } from './peers/client.js';
import { removedLine, type PeerIdentity } from './peers/hello.js';
import { arrive, rebuild } from './rebuild.js';

export interface Opened {
  readonly journal: Journal;
  readonly membership: Membership;
  readonly identity: PeerIdentity;
}

/**
 * Opens the data directory. After the first start it says who this member is, whatever the flags say. Before, the flags do: a member of a new cluster, or one of
 * a cluster that exists; the latter resolves only when this member knows what it may have promised in an earlier life (rebuild.ts).
 * Rejects with JournalError, ConfigError or RemovedError.
 */
export async function openMember(options: ReplicaOptions): Promise<Opened> {
  let who: Identity | null = null;
  const journal = await Journal.openAs(options.dataDirectory, async (found) => {
    const claim = await claimFor(options, found);
    who = claim.identity;
    return claim;
  });
  try {
    return await settle(options, who!, journal);
  } catch (error) {
    await journal.close();
    throw error;
  }
}

async function claimFor(options: ReplicaOptions, found: Identity | null): Promise<Claim> {
  const { name, initialMembers, clusterToken } = options;
  const first = firstConfiguration(initialMembers, clusterToken);
  if (found !== null) return { identity: found, bootstrap: first, rebuild: null };
  options.checkFirstStart();
  if (options.initialState === 'existing') return joinExisting(options);
  const self = initialMembers.find((member) => member.name === name);
  if (self === undefined) throw new TypeError(`${name} is not among the initial members`);
  const memberId = memberIdOf(self, clusterToken);
  const clusterId = clusterIdOf(initialMembers, clusterToken);
  return { identity: { memberId, clusterId, name }, bootstrap: first, rebuild: null };
}

/** It begins without a configuration: that comes with the log. Until then the directory says whom to talk to. */
async function joinExisting(options: ReplicaOptions): Promise<Claim> {
  const { name, initialMembers, targetsOf, logger, signal } = options;
  const others = initialMembers.filter((member) => member.name !== name);
  const targets = others.flatMap(({ peerUrls }) => targetsOf(peerUrls));
  const cluster = await findCluster(targets, logger, signal);
  const memberId = recognise(initialMembers, name, cluster);
  const directory = encodeDirectory({ ...noDirectory, members: cluster.members });
  return {
    identity: { memberId, clusterId: cluster.clusterId, name },
    bootstrap: configurationOf([], { directory }),
    rebuild: { until: null, joining: true },
  };
}

async function settle(options: ReplicaOptions, who: Identity, journal: Journal): Promise<Opened> {
  const { recovered } = journal;
  const configuration = newestConfiguration(journal);
  const isOfFlags = clusterIdOf(options.initialMembers, options.clusterToken) === who.clusterId;
  if (configuration.directory.length === 0 && !isOfFlags)
    throw new ConfigError(
      `data directory ${options.dataDirectory} is of an earlier version and does not say who the members are: start it once with the --initial-cluster and --initial-cluster-token of its first start`,
    );
  const self = who.memberId as MemberId;
  const membership = new Membership(
    self,
    configuration,
    firstDirectory(options.initialMembers, options.clusterToken),
  );
  membership.applied(recovered.state.configuration);
  if (membership.isRemoved(self)) throw new RemovedError(removedLine);
  const identity: PeerIdentity = {
    clusterId: who.clusterId,
    self,
    name: options.name,
    clientUrls: options.clientUrls,
    peerUrls: options.peerUrls,
    dataId: recovered.dataId,
    isRemoved: (id) => membership.isRemoved(id),
    isMember: (id) => membership.isMember(id),
  };
  await makeSureOfThePast(options, { journal, membership, identity });
  return { journal, membership, identity };
}

async function makeSureOfThePast(options: ReplicaOptions, opened: Opened): Promise<void> {
  const { journal, membership, identity } = opened;
  const newcomer = { identity, journal, logger: options.logger, signal: options.signal };
  const peers = membership.others().map(({ id, name, peerUrls }): PeerAddress => ({
    id,
    name,
    targets: options.targetsOf(peerUrls),
  }));
  const mark = journal.recovered.rebuild;
  const isUnseen = memberOf(membership.directory, membership.self)?.name === '';
  if (mark?.until === null && mark.joining) await arrive(peers, isUnseen, newcomer);
  if (journal.recovered.rebuild?.until === null) await rebuild(peers, newcomer);
}

/** Of the log, committed or not; or the one that came with the state. */
function newestConfiguration({ recovered: { entries, state } }: Journal): Configuration {
  const entry = entries.findLast(({ type }) => type === 'configuration');
  return (entry && decodeConfiguration(entry.data)) ?? state.configuration;
}
