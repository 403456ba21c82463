import { hostname } from 'node:os';
import { InvalidArgumentError, type Command } from 'commander';
import { durationMs } from './flags.js';

/** The election of one leader among equals, as Kubernetes' components take it. */
export interface LeaderElectionFlags {
  /** Without it this process works at once: only where it is the only one. */
  readonly leaderElect: boolean;
  readonly leaseNamespace: string;
  readonly leaseName: string;
  readonly leaseDurationMs: number;
  readonly renewDeadlineMs: number;
  readonly retryPeriodMs: number;
  /** Who this candidate is, for people; a random part makes it unique. */
  readonly candidate: string;
}

interface Parsed {
  readonly leaderElect: boolean;
  readonly leaderElectResourceNamespace: string;
  readonly leaderElectResourceName: string;
  readonly leaderElectLeaseDuration: number;
  readonly leaderElectRenewDeadline: number;
  readonly leaderElectRetryPeriod: number;
  readonly leaderElectCandidate: string;
}

function trueOrFalse(text: string): boolean {
  if (text !== 'true' && text !== 'false') throw new InvalidArgumentError('expected true or false.');
  return text === 'true';
}

/** Defaults replace a dead leader within five seconds at the price of one small write every 1.5 s; while NATS carries its beats they do not apply. */
export function addLeaderElectionFlags(command: Command, resourceName: string): Command {
  return command
    .option('--leader-elect <true|false>', 'work only while holding the lease', trueOrFalse, true)
    .option('--leader-elect-resource-namespace <name>', "the lease's namespace", 'kube-system')
    .option('--leader-elect-resource-name <name>', "the lease's name", resourceName)
    .option(
      '--leader-elect-lease-duration <duration>',
      'a leader that was not heard of for this long is replaced (default: 4s)',
      durationMs,
      4_000,
    )
    .option(
      '--leader-elect-renew-deadline <duration>',
      'a leader that could not renew for this long stops working (default: 3s)',
      durationMs,
      3_000,
    )
    .option(
      '--leader-elect-retry-period <duration>',
      'pause between two renewals (default: 1.5s)',
      durationMs,
      1_500,
    )
    .option('--leader-elect-candidate <name>', 'how this candidate is called in the lease', hostname());
}

/** From what commander parsed of `addLeaderElectionFlags`. */
export function leaderElectionFlags(options: Parsed): LeaderElectionFlags {
  return {
    leaderElect: options.leaderElect,
    leaseNamespace: options.leaderElectResourceNamespace,
    leaseName: options.leaderElectResourceName,
    leaseDurationMs: options.leaderElectLeaseDuration,
    renewDeadlineMs: options.leaderElectRenewDeadline,
    retryPeriodMs: options.leaderElectRetryPeriod,
    candidate: options.leaderElectCandidate,
  };
}
