import type { CertificateFiles } from '@raftsman/wire';
import type { LogLevel } from '@raftsman/telemetry';
import type { InitialMember } from './replica/identity.js';
import { autoCompaction } from './compaction-flags.js';
import { ConfigError } from './errors.js';
import type { AutoCompaction } from './etcd/index.js';
import { storeLimits } from './limits.js';
import type { ListenAddress } from './listen.js';
import { clientTls, listener, noTls, peerFiles, peerTls } from './tls-flags.js';
import { parseInitialCluster, parseUrls, type Url } from './urls.js';

/** What commander read: etcd's flags, in its camel case. Files are PEM. */
export interface StoreFlags {
  readonly name: string;
  readonly dataDir?: string;
  readonly listenClientUrls?: string;
  readonly listenMetricsUrls?: string;
  readonly advertiseClientUrls?: string;
  readonly listenPeerUrls: string;
  readonly initialAdvertisePeerUrls: string;
  readonly initialCluster?: string;
  readonly initialClusterState: 'new' | 'existing';
  readonly initialClusterToken: string;
  readonly initialClusterWitnesses?: string;
  readonly readLease?: boolean;
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly trustedCaFile?: string;
  readonly clientCertAuth?: boolean;
  readonly authToken: string;
  readonly peerCertFile?: string;
  readonly peerKeyFile?: string;
  readonly peerTrustedCaFile?: string;
  readonly peerClientCertAuth?: boolean;
  readonly heartbeatInterval: number;
  readonly electionTimeout: number;
  readonly snapshotCount: number;
  readonly snapshotCatchupEntries: number;
  readonly quotaBackendBytes: number;
  readonly maxRequestBytes: number;
  readonly maxTxnOps: number;
  readonly grpcKeepaliveInterval: number;
  readonly grpcKeepaliveTimeout: number;
  readonly watchProgressNotifyInterval: number;
  /** Its name before etcd 3.6, where it is taken before the newer one. */
  readonly experimentalWatchProgressNotifyInterval?: number;
  readonly autoCompactionMode: string;
  readonly autoCompactionRetention: string;
  readonly experimentalCorruptCheckTime: number;
  readonly experimentalCompactHashCheckEnabled?: boolean;
  readonly logLevel: LogLevel;
}

/** One member of the store. Everything is checked against everything else. */
export interface StoreConfig {
  /** What the others call this member. */
  readonly name: string;
  /** Where log and state live; belongs to one member of one cluster for good. Default: `<name>.etcd`. */
  readonly dataDirectory: string;
  /** With an empty data directory: the members that the cluster begins with or has, this one among them; the same on all of them. */
  readonly initialCluster: readonly InitialMember[];
  /** `existing`: an empty data directory is that of a member that was added, or that lost its disk and is rebuilt from all the others. */
  readonly initialClusterState: 'new' | 'existing';
  /** Tells clusters with equal member lists apart. */
  readonly initialClusterToken: string;
  readonly clientListeners: readonly ListenAddress[];
  /** Where /metrics and health are served without the rest. Default: nowhere but on the client URLs. */
  readonly metricsListeners: readonly ListenAddress[];
  readonly advertiseClientUrls: readonly string[];
  readonly peerListeners: readonly ListenAddress[];
  readonly advertisePeerUrls: readonly string[];
  /** How this member reaches the https peer URLs of others; null: it has none of the files. */
  readonly peerTls: CertificateFiles | null;
  /** Who shows no token is the user of his certificate's common name. Whether one must be shown is a matter of the listeners. */
  readonly clientCertAuth: boolean;
  /** Lower: failures are noticed sooner; higher: less idle traffic. At least a round trip between members. */
  readonly heartbeatIntervalMs: number;
  /** At least five heartbeats. A leader that is cut off is replaced after one to one and a half of these; one whose connection breaks at once. */
  readonly electionTimeoutMs: number;
  /**
   * The leader reads without asking the others while they have promised to elect nobody else; that makes them wait out an election timeout
   * also where a connection broke (docs/decisions/0012). The same on all members.
   */
  readonly readLease: boolean;
  /** Entries applied beyond the catch-up ones before the log is cut. Lower: less memory and a faster start. */
  readonly snapshotCount: number;
  /** Entries kept for members that were away for a while; beyond it they get the whole state. */
  readonly snapshotCatchUpEntries: number;
  /** Bytes above which writes are refused; null: as many as this process can hold well, and 2 GiB at most (memory.ts). Less than 0: no quota. */
  readonly quotaBackendBytes: number | null;
  readonly requestBytesMax: number;
  readonly txnOpsMax: number;
  /** A client of gRPC that says nothing for so long is asked, and gone when it does not answer for so long. Lower: who is not there holds no place. 0: for ever. */
  readonly keepaliveIntervalMs: number;
  readonly keepaliveTimeoutMs: number;
  readonly watchProgressNotifyIntervalMs: number;
  /** How much history the leader keeps when nobody asks for a compaction; null: all of it. The same on all members, since each may lead. */
  readonly autoCompaction: AutoCompaction | null;
  /** How long after a write the leader has all members compare their keys; 0: never. It costs each of them one hash over all keys. */
  readonly corruptCheckTimeMs: number;
  /** Compare them after each compaction too. */
  readonly compactHashCheck: boolean;
  readonly logLevel: LogLevel;
}

const defaultClientUrls = 'http://localhost:2379';
const electionTimeoutMsMax = 50_000;

/** Throws ConfigError. */
export function storeConfig(flags: StoreFlags): StoreConfig {
  const { name, heartbeatInterval, electionTimeout } = flags;
  if (electionTimeout < 5 * heartbeatInterval)
    throw new ConfigError(
      `--election-timeout[${electionTimeout}ms] should be at least as 5 times as --heartbeat-interval[${heartbeatInterval}ms]`,
    );
  if (electionTimeout > electionTimeoutMsMax)
    throw new ConfigError(
      `--election-timeout[${electionTimeout}ms] is too long, and should be set less than ${electionTimeoutMsMax}ms`,
    );
  if (flags.maxRequestBytes > storeLimits.requestBytesMax)
    throw new ConfigError(
      `--max-request-bytes[${flags.maxRequestBytes}] is more than members can send each other: at most ${storeLimits.requestBytesMax}`,
    );
  if (flags.authToken !== 'simple')
    throw new ConfigError(
      `--auth-token[${flags.authToken.split(',')[0]}] is not supported: tokens are "simple" ones, which the members know`,
    );
  if (flags.listenClientUrls !== undefined && flags.advertiseClientUrls === undefined)
    throw new ConfigError('--advertise-client-urls is required when --listen-client-urls is set explicitly');
  const advertised = parseUrls('--initial-advertise-peer-urls', flags.initialAdvertisePeerUrls);
  const members = initialCluster(flags, advertised);
  const listenClient = parseUrls('--listen-client-urls', flags.listenClientUrls ?? defaultClientUrls);
  const listenPeer = parseUrls('--listen-peer-urls', flags.listenPeerUrls);
  const advertiseClient = parseUrls(
    '--advertise-client-urls',
    flags.advertiseClientUrls ?? defaultClientUrls,
  );
  const client = clientTls(flags);
  const peer = peerTls(flags);
  return {
    name,
    dataDirectory: flags.dataDir ?? `${name}.etcd`,
    initialCluster: members,
    initialClusterState: flags.initialClusterState,
    initialClusterToken: flags.initialClusterToken,
    clientListeners: listenClient.map((url) => listener(url, client)),
    metricsListeners: metricsUrls(flags).map((url) => listener(url, url.scheme === 'https' ? client : noTls)),
    advertiseClientUrls: advertiseClient.map(({ text }) => text),
    peerListeners: listenPeer.map((url) => listener(url, peer)),
    advertisePeerUrls: advertised.map(({ text }) => text),
    peerTls: peerFiles(
      members.flatMap(({ urls }) => urls),
      peer,
    ),
    clientCertAuth: flags.clientCertAuth ?? false,
    heartbeatIntervalMs: heartbeatInterval,
    electionTimeoutMs: electionTimeout,
    readLease: flags.readLease ?? false,
    snapshotCount: flags.snapshotCount,
    snapshotCatchUpEntries: flags.snapshotCatchupEntries,
    quotaBackendBytes: flags.quotaBackendBytes || null,
    requestBytesMax: flags.maxRequestBytes,
    txnOpsMax: flags.maxTxnOps,
    keepaliveIntervalMs: flags.grpcKeepaliveInterval,
    keepaliveTimeoutMs: flags.grpcKeepaliveTimeout,
    watchProgressNotifyIntervalMs:
      flags.experimentalWatchProgressNotifyInterval ?? flags.watchProgressNotifyInterval,
    autoCompaction: autoCompaction(flags.autoCompactionMode, flags.autoCompactionRetention),
    corruptCheckTimeMs: flags.experimentalCorruptCheckTime,
    compactHashCheck: flags.experimentalCompactHashCheckEnabled ?? false,
    logLevel: flags.logLevel,
  };
}

interface ParsedMember extends InitialMember {
  readonly urls: readonly Url[];
}

/** Throws ConfigError. */
export function initialCluster(
  flags: Pick<StoreFlags, 'name' | 'initialCluster' | 'initialClusterWitnesses'>,
  advertised: readonly Url[],
): readonly ParsedMember[] {
  const text = flags.initialCluster ?? advertised.map((url) => `${flags.name}=${url.text}`).join(',');
  const witnesses = namesOf(flags.initialClusterWitnesses ?? '');
  const members = [...parseInitialCluster(text)].map(([name, urls]): ParsedMember => ({
    name,
    peerUrls: urls.map((url) => url.text),
    isWitness: witnesses.includes(name),
    urls,
  }));
  checkWitnesses(witnesses, members);
  return members;
}

/** What need not fit any more once the data directory says who this member is. Throws ConfigError. */
export function checkFirstStart({
  name,
  initialCluster: members,
  advertisePeerUrls,
}: Pick<StoreConfig, 'name' | 'initialCluster' | 'advertisePeerUrls'>): void {
  const self = members.find((member) => member.name === name);
  if (self === undefined)
    throw new ConfigError(
      `couldn't find local name "${name}" in the initial cluster configuration (--initial-cluster=${members.map((member) => `${member.name}=${member.peerUrls.join('+')}`).join(',')})`,
    );
  const listed = self.peerUrls.toSorted().join(',');
  const own = advertisePeerUrls.toSorted().join(',');
  if (listed !== own)
    throw new ConfigError(
      `--initial-cluster has ${name}=${listed} but --initial-advertise-peer-urls=${own}; they must be the same`,
    );
  const urls = members.flatMap(({ peerUrls }) => peerUrls);
  const secure = urls.find((url) => url.startsWith('https:'));
  const plain = urls.find((url) => url.startsWith('http:'));
  if (secure !== undefined && plain !== undefined)
    throw new ConfigError(`${plain} and ${secure}: all members must use http or all https`);
}

const namesOf = (text: string): readonly string[] =>
  text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');

/** Every majority must have a member that keeps data. */
function checkWitnesses(witnesses: readonly string[], members: readonly ParsedMember[]): void {
  const unknown = witnesses.find((witness) => !members.some(({ name }) => name === witness));
  if (unknown !== undefined)
    throw new ConfigError(`--initial-cluster-witnesses names ${unknown}, which --initial-cluster does not`);
  if (witnesses.length > 0 && witnesses.length * 2 >= members.length)
    throw new ConfigError(
      `--initial-cluster-witnesses names ${witnesses.length} of ${members.length} members: fewer than half can keep no data`,
    );
}

const metricsUrls = ({ listenMetricsUrls: text }: StoreFlags): readonly Url[] =>
  text === undefined ? [] : parseUrls('--listen-metrics-urls', text);
