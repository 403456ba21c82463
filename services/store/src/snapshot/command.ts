import { Command, Option } from 'commander';
import { wholeNumber } from '@raftsman/config';
import { JournalError } from '@raftsman/journal';
import type { ServiceError } from '@grpc/grpc-js';
import type { ClientSecurity } from '@raftsman/wire';
import { checkFirstStart, initialCluster } from '../config.js';
import { ConfigError } from '../errors.js';
import { parseUrl, parseUrls, targetOf } from '../urls.js';
import { SnapshotFileError } from './errors.js';
import { restoreSnapshot, type Restored } from './restore.js';
import { saveSnapshot } from './save.js';
import { formatStatus, snapshotStatus } from './status.js';

/** `raftsman snapshot`: with the names and flags of etcdctl and etcdutl. */
export function snapshotCommand(): Command {
  const snapshot = new Command('snapshot').description(
    "the store's state in a file, in etcd's own format: save it, look at it, begin a new cluster with it",
  );
  snapshot.addCommand(saveCommand()).addCommand(statusCommand()).addCommand(restoreCommand());
  return snapshot;
}

interface SaveFlags {
  readonly endpoints: string;
  readonly cacert?: string;
  readonly cert?: string;
  readonly key?: string;
}

function saveCommand(): Command {
  const save = new Command('save')
    .description('fetches the state of one running member')
    .argument('<file>')
    .option('--endpoints <url>', 'its client URL: exactly one', 'http://127.0.0.1:2379')
    .option('--cacert <file>', "authority of the member's certificate")
    .option('--cert <file>', 'certificate to show')
    .option('--key <file>', 'its key');
  return save.action((file: string, flags: SaveFlags) =>
    explained(save, async () => {
      const endpoint = /^https?:/.test(flags.endpoints)
        ? flags.endpoints
        : `${flags.cacert === undefined ? 'http' : 'https'}://${flags.endpoints}`;
      if (endpoint.includes(','))
        throw new ConfigError('snapshot must be requested to one selected node, not multiple');
      const url = parseUrl('--endpoints', endpoint);
      await saveSnapshot(targetOf(url), security(url.scheme, flags), file);
      console.log(`Snapshot saved at ${file}`);
    }),
  );
}

function security(scheme: 'http' | 'https', { cacert, cert, key }: SaveFlags): ClientSecurity {
  if (scheme === 'http') return 'insecure';
  if (cacert === undefined || cert === undefined || key === undefined)
    throw new ConfigError('https needs --cacert, --cert and --key');
  return { certFile: cert, keyFile: key, caFile: cacert };
}

function statusCommand(): Command {
  const status = new Command('status')
    .description('hash, revision, total keys and total size of a file')
    .argument('<file>')
    .addOption(
      new Option('-w, --write-out <format>').choices(['simple', 'json', 'table', 'fields']).default('simple'),
    );
  return status.action((file: string, { writeOut }: { writeOut: 'simple' | 'json' | 'table' | 'fields' }) =>
    explained(status, async () => console.log(formatStatus(await snapshotStatus(file), writeOut))),
  );
}

interface RestoreFlags {
  readonly dataDir?: string;
  readonly name: string;
  readonly initialCluster?: string;
  readonly initialClusterToken: string;
  readonly initialClusterWitnesses?: string;
  readonly initialAdvertisePeerUrls: string;
  readonly skipHashCheck?: boolean;
  readonly bumpRevision: number;
  readonly markCompacted?: boolean;
  readonly disableAuth?: boolean;
}

function restoreCommand(): Command {
  const count = wholeNumber(0, Number.MAX_SAFE_INTEGER);
  const restore = new Command('restore')
    .description(
      'makes the data directory of one member of a new cluster; every member is restored from the same file with the same flags',
    )
    .argument('<file>', 'saved from a member of ours or of etcd')
    .option('--data-dir <directory>', 'must not hold anything yet (default: <name>.etcd)')
    .option('--name <name>', "this member's name in --initial-cluster", 'default')
    .option('--initial-cluster <name=url,...>', 'all members of the new cluster (default: this one alone)')
    .option('--initial-cluster-witnesses <names>', 'those of --initial-cluster that vote and keep no data')
    .option('--initial-cluster-token <token>', 'tells equal clusters apart', 'etcd-cluster')
    .option('--initial-advertise-peer-urls <urls>', "this member's peer URLs", 'http://localhost:2380')
    .option('--skip-hash-check', "the file has no checksum: it is a copy of etcd's member/snap/db")
    .option(
      '--bump-revision <revisions>',
      'go on so many revisions later, beyond what clients may have seen',
      count,
      0,
    )
    .option(
      '--mark-compacted',
      'watches and reads of earlier revisions are told that they are compacted (with --bump-revision)',
    )
    .option('--disable-auth', 'users and roles are there, authentication is off');
  return restore.action((file: string, flags: RestoreFlags) =>
    explained(restore, async () => console.log(describe(flags, await runRestore(file, flags)))),
  );
}

async function runRestore(file: string, flags: RestoreFlags): Promise<Restored> {
  const { name, bumpRevision, markCompacted = false } = flags;
  if (bumpRevision > 0 !== markCompacted)
    throw new ConfigError('--mark-compacted is required if --bump-revision > 0, and refused otherwise');
  const advertised = parseUrls('--initial-advertise-peer-urls', flags.initialAdvertisePeerUrls);
  const members = initialCluster(flags, advertised);
  checkFirstStart({ name, initialCluster: members, advertisePeerUrls: advertised.map(({ text }) => text) });
  checkFirstStart({ name, initialCluster: members, advertisePeerUrls: advertised.map(({ text }) => text) });
  return restoreSnapshot({
    file,
    dataDirectory: directoryOf(flags),
    members,
    name,
    clusterToken: flags.initialClusterToken,
    checkHash: flags.skipHashCheck !== true,
    change: { bumpBy: bumpRevision, markCompacted },
    disableAuth: flags.disableAuth === true,
  });
}

const directoryOf = ({ dataDir, name }: RestoreFlags): string => dataDir ?? `${name}.etcd`;

function describe(flags: RestoreFlags, restored: Restored): string {
  const { versions, leases, revision, compactRevision, memberId, clusterId, auth } = restored;
  const compacted = compactRevision === null ? '' : `, compacted at ${compactRevision}`;
  const lines = [
    `restored ${versions} versions and ${leases} leases at revision ${revision}${compacted} into ${directoryOf(flags)}`,
    `member ${flags.name} ${memberId.toString(16)} of cluster ${clusterId.toString(16)}`,
  ];
  if (auth.withoutPassword.length > 0)
    lines.push(
      `passwords to be set anew (etcd's cannot be checked here): ${auth.withoutPassword.slice(0, 20).join(', ')}${auth.withoutPassword.length > 20 ? ', ...' : ''}`,
    );
  return lines.join('\n');
}

/** What the user or their disk can mend is one line and exit code 1; the rest is a bug. */
async function explained(command: Command, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Error) || !isExplained(error)) throw error;
    command.error(`raftsman snapshot ${command.name()}: ${error.message}`, { exitCode: 1 });
  }
}

function isExplained(error: Error): boolean {
  return (
    error instanceof SnapshotFileError ||
    error instanceof ConfigError ||
    error instanceof JournalError ||
    'syscall' in error ||
    typeof (error as Partial<ServiceError>).details === 'string'
  );
}
