import {
  encodeCommand,
  MvccError,
  type Command,
  type CommandResult,
  type MvccStore,
  type Revision,
} from '@raftsman/mvcc';
import type { ResponseHeader } from '@raftsman/proto/gen/etcdserverpb/ResponseHeader.js';
import type { Logger } from '@raftsman/telemetry';
import type { Replica } from '../contract.js';
import type { EtcdFaceConfig } from './config.js';
import { etcdError } from './errors.js';
import type { EtcdStateMachine } from './state-machine.js';

/** What every verb works with. */
export interface Context {
  readonly stateMachine: EtcdStateMachine;
  readonly replica: Replica;
  readonly config: EtcdFaceConfig;
  readonly logger: Logger;
}

export const storeOf = (context: Context): MvccStore => context.stateMachine.store;

export function header(context: Context, revision: Revision = storeOf(context).revision): ResponseHeader {
  return { ...memberHeader(context), revision };
}

/** For answers that have nothing to do with the keys. */
export function memberHeader({
  replica,
}: Context): Readonly<Record<'clusterId' | 'memberId' | 'raftTerm', number>> {
  const { clusterId, id, term } = replica.status();
  return { clusterId, memberId: id, raftTerm: term };
}

type ResultOf<C extends Command> = C['kind'] extends 'lease-expire'
  ? Extract<CommandResult, { kind: 'lease-revoke' }>
  : C['kind'] extends 'compact-step'
    ? Extract<CommandResult, { kind: 'compact' }>
    : Extract<CommandResult, { kind: C['kind'] }>;

/** Rejects with EtcdError, MvccError (the store refused) or ReplicaError. */
export async function propose<C extends Command>(context: Context, command: C): Promise<ResultOf<C>> {
  const data = encodeCommand(command);
  if (data.length > context.config.requestBytesMax) throw etcdError('requestTooLarge');
  const result = (await context.replica.propose(data)) as ResultOf<C> | MvccError;
  if (result instanceof MvccError) throw result;
  return result;
}

/** Writes that make the store larger are refused beyond the quota; deletions and compactions are not. */
export function requireSpace(context: Context): void {
  if (isOverQuota(context)) throw etcdError('noSpace');
}

export function isOverQuota(context: Context): boolean {
  const { quotaBackendBytes } = context.config;
  return quotaBackendBytes > 0 && storeOf(context).sizeBytes > quotaBackendBytes;
}
