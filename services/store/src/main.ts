import { Command, Option } from 'commander';
import { durationMs, runService, wholeNumber } from '@raftsman/config';
import { JournalError } from '@raftsman/journal';
import { createLogger, installCrashHandlers, logLevels } from '@raftsman/telemetry';
import { silenceGrpc } from '@raftsman/wire';
import { storeConfig, type StoreFlags } from './config.js';
import { ConfigError, exitCodes, ListenError, LostDataError, RemovedError } from './errors.js';
import { run } from './run.js';

const count = wholeNumber(0, Number.MAX_SAFE_INTEGER);
const integer = wholeNumber(-Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
const positive = wholeNumber(1, Number.MAX_SAFE_INTEGER);

/** `raftsman store`: etcd's flags, with etcd's names and defaults. */
export function command(): Command {
  const store = new Command('store')
    .description('one member of the replicated store, which speaks etcd v3')
    .option('--name <name>', "this member's name in --initial-cluster", 'default')
    .option('--data-dir <directory>', 'log and state of this member (default: <name>.etcd)')
    .option('--listen-client-urls <urls>', 'where clients connect (default: http://localhost:2379)')
    .option('--listen-metrics-urls <urls>', 'where /metrics and /health are served beside the client URLs')
    .option('--advertise-client-urls <urls>', 'what clients are told (default: http://localhost:2379)')
    .option('--listen-peer-urls <urls>', 'where the other members connect', 'http://localhost:2380')
    .option(
      '--initial-advertise-peer-urls <urls>',
      'what the other members are told',
      'http://localhost:2380',
    )
    .option('--initial-cluster <name=url,...>', 'all members of the cluster (default: this one alone)')
    .addOption(
      new Option(
        '--initial-cluster-state <state>',
        'existing: an empty data directory is that of a member that was added, or that lost it and is rebuilt',
      )
        .choices(['new', 'existing'])
        .default('new'),
    )
    .option(
      '--initial-cluster-witnesses <names>',
      'which of them vote and keep no data; the same on all of them (default: none)',
    )
    .option('--initial-cluster-token <token>', 'tells equal clusters apart', 'etcd-cluster');
  return addBounds(addTls(store)).action((flags: StoreFlags) => start(store, flags));
}

function addTls(store: Command): Command {
  return store
    .option('--cert-file <file>', 'certificate towards clients')
    .option('--key-file <file>', 'its key')
    .option('--trusted-ca-file <file>', "authority of the clients' certificates: each must show one of it")
    .option('--client-cert-auth', "a certificate's common name says who the user is")
    .option('--auth-token <kind>', 'how users are known between requests: simple', 'simple')
    .option('--peer-cert-file <file>', 'certificate towards the other members')
    .option('--peer-key-file <file>', 'its key')
    .option(
      '--peer-trusted-ca-file <file>',
      "authority of the members' certificates: each must show one of it",
    )
    .option('--peer-client-cert-auth', 'refuses to start without --peer-trusted-ca-file');
}

function addBounds(store: Command): Command {
  return store
    .option('--heartbeat-interval <ms>', 'milliseconds between heartbeats of the leader', positive, 100)
    .option('--election-timeout <ms>', 'milliseconds without a leader before an election', positive, 500)
    .option('--read-lease', 'the leader reads without a round trip; a lost one is replaced later')
    .option('--snapshot-count <entries>', 'applied entries before the log is cut', positive, 10_000)
    .option('--snapshot-catchup-entries <entries>', 'entries kept for slow members', count, 5_000)
    .option(
      '--quota-backend-bytes <bytes>',
      'above, writes are refused; 0: half of the heap limit, 2 GiB at most; negative: only beyond what the heap can hold',
      integer,
      0,
    )
    .option('--max-request-bytes <bytes>', 'largest write', positive, 1_572_864)
    .option('--max-txn-ops <operations>', 'operations of one branch of a transaction', positive, 128)
    .option(
      '--grpc-keepalive-interval <duration>',
      'until a silent client is asked whether it is there; 0: never',
      durationMs,
      60_000,
    )
    .option('--grpc-keepalive-timeout <duration>', 'for its answer; 0: for ever', durationMs, 60_000)
    .option('--watch-progress-notify-interval <duration>', 'for quiet watches that ask', durationMs, 600_000)
    .addOption(
      new Option('--experimental-watch-progress-notify-interval <duration>').argParser(durationMs).hideHelp(),
    )
    .option(
      '--auto-compaction-mode <mode>',
      'what the retention is: periodic (hours, or a duration such as 30m) or revision (a count)',
      'periodic',
    )
    .option('--auto-compaction-retention <retention>', 'history that the leader keeps; 0: all', '0')
    .option(
      '--experimental-corrupt-check-time <duration>',
      'after a write, until the members compare their keys; 0: never',
      durationMs,
      3_600_000,
    )
    .option('--experimental-compact-hash-check-enabled', 'compare them after each compaction too')
    .addOption(new Option('--log-level <level>').choices(logLevels).default('info'));
}

async function start(store: Command, flags: StoreFlags): Promise<void> {
  try {
    const config = storeConfig(flags);
    const logger = createLogger({ component: 'store', level: config.logLevel });
    installCrashHandlers(logger);
    // What grpc-js would print beside our lines comes back to us as errors anyway.
    silenceGrpc();
    await runService((signal) => run(config, logger, signal));
    // All is written and closed; a peer that is slow to let go of its connection must not keep the process.
    process.exit(0);
  } catch (error) {
    const isExplained =
      error instanceof ConfigError ||
      error instanceof JournalError ||
      error instanceof ListenError ||
      error instanceof LostDataError ||
      error instanceof RemovedError;
    if (!isExplained) throw error;
    const exitCode = error instanceof RemovedError ? exitCodes.removed : exitCodes.failed;
    store.error(`raftsman store: ${error.message}`, { exitCode });
  }
}
