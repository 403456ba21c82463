import type { AutoCompaction } from './compaction-schedule.js';

/** How the etcd face of one member behaves. */
export interface EtcdFaceConfig {
  /** Largest request that is proposed, in bytes as it is logged. etcd's default: 1.5 MiB (`--max-request-bytes`). */
  readonly requestBytesMax: number;
  /** Operations of one branch of a transaction. etcd's default: 128 (`--max-txn-ops`). */
  readonly txnOpsMax: number;
  /** Bytes of keys, values, their history and leases above which writes are refused; 0 or less: no quota (`--quota-backend-bytes`, etcd's default 2 GiB). */
  readonly quotaBackendBytes: number;
  /** What of these this process can hold, with the tombstones of all keys that are there (memory.ts). Default: there is no bound. */
  readonly heldBytesMax: number;
  /** How often a quiet watch created with progress_notify hears of the present revision. etcd's default: 10 min. */
  readonly watchProgressNotifyIntervalMs: number;
  /** The members' election timeout: leases live at least 1.5 of it, and a new leader prolongs every lease by one. */
  readonly electionTimeoutMs: number;
  /** Clients' certificates are verified: who shows no token is the user of his certificate's common name. Default: no. */
  readonly clientCertAuth: boolean;
  /** How long after a write the leader has all members compare their keys; 0: never (`--experimental-corrupt-check-time`). Default: 1 h. */
  readonly corruptCheckTimeMs: number;
  /** Compare them after each compaction too (`--experimental-compact-hash-check-enabled`). Default: no. */
  readonly compactHashCheck: boolean;
  /** How much history the leader keeps (`--auto-compaction-mode`, `--auto-compaction-retention`); null, the default: all of it. */
  readonly autoCompaction: AutoCompaction | null;
}

const mebibyte = 1024 * 1024;

/** etcd's. */
export const defaultEtcdFaceConfig: EtcdFaceConfig = {
  requestBytesMax: 1.5 * mebibyte,
  txnOpsMax: 128,
  quotaBackendBytes: 2048 * mebibyte,
  heldBytesMax: Infinity,
  watchProgressNotifyIntervalMs: 600_000,
  electionTimeoutMs: 1_000,
  clientCertAuth: false,
  corruptCheckTimeMs: 3_600_000,
  compactHashCheck: false,
  autoCompaction: null,
};
