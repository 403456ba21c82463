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
import { encodeAs } from '../auth/commands.js';
import { AuthError, type Identity } from '../auth/types.js';
import type { Replica } from '../contract.js';
import type { EtcdFaceConfig } from './config.js';
import { EtcdError, etcdError } from './errors.js';
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
  const { clusterId, id, term } = context.replica.status();
  return { clusterId, memberId: id, raftTerm: term, revision };
}

/** For answers that have nothing to do with the keys. */
export function memberHeader({
  replica,
}: Context): Readonly<Record<'clusterId' | 'memberId' | 'raftTerm', number>> {
  const { clusterId, id, term } = replica.status();
  return { clusterId, memberId: id, raftTerm: term };
}

export type ResultOf<C extends Command> = C['kind'] extends 'lease-expire'
  ? Extract<CommandResult, { kind: 'lease-revoke' }>
  : C['kind'] extends 'compact-step'
    ? Extract<CommandResult, { kind: 'compact' }>
    : Extract<CommandResult, { kind: C['kind'] }>;

/**
 * What clients want goes through access.ts; this is for what the member wants itself, without `identity`. Rejects with EtcdError, MvccError
 * (the store refused), AuthError or ReplicaError.
 */
export async function propose<C extends Command>(
  context: Context,
  command: C,
  identity: Identity | null = null,
): Promise<ResultOf<C>> {
  const data = encodeCommand(command);
  return (await proposeEncoded(context, identity === null ? data : encodeAs(identity, data))) as ResultOf<C>;
}

/** A command of any part of the state (state-part.ts); `ahead` as in Replica. Rejects as propose does. */
export async function proposeEncoded(
  context: Context,
  data: Uint8Array,
  options?: { readonly ahead?: boolean },
): Promise<unknown> {
  if (data.length > context.config.requestBytesMax) throw etcdError('requestTooLarge');
  const result = await context.replica.propose(data, options);
  if (result instanceof MvccError || result instanceof AuthError || result instanceof EtcdError) throw result;
  return result;
}
