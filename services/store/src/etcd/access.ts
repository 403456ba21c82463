import { createHash } from 'node:crypto';
import type { Metadata, ServerUnaryCall } from '@grpc/grpc-js';
import type { Command } from '@raftsman/mvcc';
import { encodeAs, encodeAuthCommand, type AuthCommand } from '../auth/commands.js';
import { requireAdmin, requireCommand, requireIdentity } from '../auth/permissions.js';
import type { AuthState } from '../auth/state.js';
import { AuthError, type Identity } from '../auth/types.js';
import { propose, proposeEncoded, storeOf, type Context, type ResultOf } from './context.js';
import { etcdError } from './errors.js';
import { etcdLimits } from './limits.js';

/** In whose name a request is made: a call of a server is one, and so is what stands for it in a call within the process. */
export type Caller = Pick<ServerUnaryCall<unknown, unknown>, 'metadata' | 'getPeer' | 'getAuthContext'>;

/** A client of this member; or that of another one, which found out who it is and passed its call on. */
export type Asker = Caller | Identity;

/** Throws AuthError. `auth` is the state at the moment. */
export type Check = (auth: AuthState, identity: Identity) => void;

/**
 * All that a handler needs to know of authentication: it writes with proposeAs, reads with readAs, and asks permit before it does
 * anything else. While authentication is off each of them costs the look at one boolean.
 */

/** A write of the caller's. The members decide on the state that it meets. Rejects with EtcdError, AuthError, MvccError or ReplicaError. */
export async function proposeAs<C extends Command>(
  context: Context,
  caller: Caller,
  command: C,
): Promise<ResultOf<C>> {
  if (!context.stateMachine.auth.enabled) {
    try {
      return await propose(context, command);
    } catch (error) {
      // It was enabled before the members got to it.
      if (!isOld(error)) throw error;
    }
  }
  return untilCurrent(async () => {
    const identity = await permit(context, caller, (auth, who) =>
      requireCommand(auth, who, command, storeOf(context).leases),
    );
    return propose(context, command, identity);
  });
}

/** A change of users and roles, for administrators. Rejects as proposeAs does. */
export function proposeAuthAs(context: Context, caller: Caller, command: AuthCommand): Promise<unknown> {
  return untilCurrent(async () => {
    const identity = await permit(context, caller, requireAdmin);
    const data = encodeAuthCommand(command);
    return proposeEncoded(context, identity === null ? data : encodeAs(identity, data));
  });
}

/** `read` is called in the same moment in which `check` finds it permitted. Rejects with EtcdError or AuthError, or as `read` does. */
export async function readAs<T>(context: Context, asker: Asker, check: Check, read: () => T): Promise<T> {
  if (!context.stateMachine.auth.enabled) return read();
  const identity = await identify(context, asker);
  check(context.stateMachine.auth, identity);
  return read();
}

/**
 * Resolves with who asks if `check` finds nothing against it; null: authentication is off. A refusal is not given on an old
 * state: who asks may have been permitted by way of another member just now. Rejects with EtcdError, AuthError or ReplicaError.
 */
export async function permit(context: Context, asker: Asker, check: Check): Promise<Identity | null> {
  if (!context.stateMachine.auth.enabled) return null;
  const identity = await identify(context, asker);
  try {
    check(context.stateMachine.auth, identity);
    return identity;
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
  }
  await context.replica.readIndex();
  const { auth } = context.stateMachine;
  const current = { ...identity, revision: auth.revision };
  check(auth, current);
  return current;
}

/** What only administrators may do. */
export const permitAdmin = (context: Context, asker: Asker): Promise<Identity | null> =>
  permit(context, asker, requireAdmin);

/** What everyone may do who says who he is. */
export const permitIdentified = (context: Context, asker: Asker): Promise<Identity | null> =>
  permit(context, asker, requireIdentity);

/** As whom a caller is passed on. Rejects with EtcdError or ReplicaError. */
export async function identityOf(context: Context, caller: Caller): Promise<Identity> {
  return context.stateMachine.auth.enabled ? identify(context, caller) : unidentified;
}

/** Revisions count from 1: while authentication is on, this one is old. */
const unidentified: Identity = { user: '', revision: 0 };

/** The user of the token, else of the client certificate, else nobody. Rejects with EtcdError, AuthError or ReplicaError. */
async function identify(context: Context, asker: Asker): Promise<Identity> {
  if ('user' in asker) return vouchedFor(context, asker);
  const token = tokenOf(asker.metadata);
  const user = token === undefined ? certifiedUser(context, asker) : await userOf(context, token);
  return { user, revision: context.stateMachine.auth.revision };
}

/** What another member found counts if it knew the same users: that of the token may have been deleted since. Rejects with AuthError (`old-revision`) or ReplicaError. */
async function vouchedFor({ stateMachine, replica }: Context, identity: Identity): Promise<Identity> {
  // It may be ahead of this one.
  if (identity.revision > stateMachine.auth.revision) await replica.readIndex();
  if (identity.revision !== stateMachine.auth.revision) throw new AuthError('old-revision');
  return identity;
}

async function userOf(context: Context, token: string): Promise<string> {
  const digest = digestOf(token);
  const use = (): string | undefined => context.stateMachine.tokens.use(digest, performance.now());
  const user = use();
  if (user !== undefined) return user;
  // It may have been issued by another member just now.
  await context.replica.readIndex();
  const issued = use();
  if (issued === undefined && context.stateMachine.auth.enabled) throw etcdError('invalidAuthToken');
  return issued ?? '';
}

/** The common name, if clients' certificates are verified. */
function certifiedUser({ config }: Context, caller: Caller): string {
  if (!config.clientCertAuth) return '';
  const name = caller.getAuthContext().sslPeerCertificate?.subject.CN;
  return (typeof name === 'string' ? name : name?.[0]) ?? '';
}

/** What the caller shows; the JSON gateway's clients send the other field. */
function tokenOf(metadata: Metadata): string | undefined {
  const [given] = [...metadata.get('token'), ...metadata.get('authorization')];
  return given?.toString().replace(/^Bearer /, '');
}

/** Tokens are random: a digest of one is as hard to guess as itself, and useless to whoever reads a log. */
export const digestOf = (token: string): string => createHash('sha256').update(token).digest('base64');

const isOld = (error: unknown): boolean => error instanceof AuthError && error.code === 'old-revision';

/** Again and again while the state was another when the members got to it. */
export async function untilCurrent<T>(attempt: () => Promise<T>): Promise<T> {
  for (let attempts = 1; ; attempts += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!isOld(error) || attempts >= etcdLimits.authAttemptsMax) throw error;
    }
  }
}
