import { noLease, type Command, type Lease, type LeaseId, type Op, type PutRequest } from '@raftsman/mvcc';
import { interval } from './ranges.js';
import type { AuthState } from './state.js';
import { AuthError, rootRole, type Identity } from './types.js';

/** The keys of leases, which count as much as the keys that a request names. */
export interface Leases {
  get(id: LeaseId): Lease | undefined;
}

/**
 * Whether a request is permitted, as etcd has it (etcdserver/apply/auth.go). Members decide when they apply it, on the state that it
 * meets; whoever proposes it asks before, so that what will be refused costs no place in the log. All throw AuthError; none
 * refuses anything while authentication is off.
 */
export function requireIdentity(state: AuthState, { user }: Identity): void {
  if (!state.enabled) return;
  if (user === '') throw new AuthError('user-empty');
  // A certificate may name anyone.
  if (state.user(user) === undefined) throw new AuthError('permission-denied');
}

export function requireAdmin(state: AuthState, identity: Identity): void {
  requireIdentity(state, identity);
  if (!isAdmin(state, identity)) throw new AuthError('permission-denied');
}

const isAdmin = (state: AuthState, { user }: Identity): boolean =>
  !state.enabled || state.hasRole(user, rootRole);

export function requireRead(state: AuthState, identity: Identity, key: string, rangeEnd: string): void {
  require(state, identity, 'read', key, rangeEnd);
}

function requireWrite(state: AuthState, identity: Identity, key: string, rangeEnd: string): void {
  require(state, identity, 'write', key, rangeEnd);
}

function require(
  state: AuthState,
  identity: Identity,
  what: 'read' | 'write',
  key: string,
  rangeEnd: string,
): void {
  if (!state.enabled) return;
  requireIdentity(state, identity);
  if (!state.allows(identity.user, what, interval(key, rangeEnd))) throw new AuthError('permission-denied');
}

/** Any operation, and all within it. */
export function requireOp(state: AuthState, identity: Identity, op: Op, leases: Leases): void {
  switch (op.kind) {
    case 'range':
      requireRead(state, identity, op.key, op.rangeEnd);
      break;
    case 'put':
      requirePut(state, identity, op, leases);
      break;
    case 'delete-range':
      requireWrite(state, identity, op.key, op.rangeEnd);
      if (op.prevKv) requireRead(state, identity, op.key, op.rangeEnd);
      break;
    case 'txn':
      for (const { key, rangeEnd } of op.compare) requireRead(state, identity, key, rangeEnd);
      for (const inner of op.success) requireOp(state, identity, inner, leases);
      for (const inner of op.failure) requireOp(state, identity, inner, leases);
      requireIdentity(state, identity);
  }
}

function requirePut(
  state: AuthState,
  identity: Identity,
  { key, lease, prevKv }: PutRequest,
  leases: Leases,
): void {
  requireWrite(state, identity, key, '');
  // To attach a key to a lease is to have it deleted with the others; and nobody may attach to a lease that he may not revoke.
  requireWriteOfLease(state, identity, lease, leases);
  if (prevKv) requireRead(state, identity, key, '');
}

/** To renew or revoke it. */
export function requireWriteOfLease(state: AuthState, identity: Identity, id: LeaseId, leases: Leases): void {
  if (id === noLease) return;
  requireIdentity(state, identity);
  if (isAdmin(state, identity)) return;
  for (const key of leases.get(id)?.keys ?? []) requireWrite(state, identity, key, '');
}

/** To be told its keys. */
export function requireReadOfLease(state: AuthState, identity: Identity, lease: Lease | undefined): void {
  requireIdentity(state, identity);
  if (isAdmin(state, identity)) return;
  for (const key of lease?.keys ?? []) requireRead(state, identity, key, '');
}

/** A command of the keys' part of the state that a client caused. */
export function requireCommand(state: AuthState, identity: Identity, command: Command, leases: Leases): void {
  switch (command.kind) {
    case 'put':
    case 'delete-range':
    case 'txn':
      return requireOp(state, identity, command, leases);
    case 'lease-grant':
      return requireIdentity(state, identity);
    case 'lease-revoke':
      return requireWriteOfLease(state, identity, command.id, leases);
    case 'compact':
    case 'compact-step':
    case 'lease-expire':
      return requireAdmin(state, identity);
  }
}

/** What members propose by themselves, whoever's requests may have led to it. */
export const isInternal = ({ kind }: Command): boolean => kind === 'compact-step' || kind === 'lease-expire';
