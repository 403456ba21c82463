import { MalformedError, MvccError, type Command } from '@raftsman/mvcc';
import { authCommandByte, decodeAuthCommand, type AuthCommand } from '../auth/commands.js';
import { isInternal, requireAdmin, requireCommand, type Leases } from '../auth/permissions.js';
import { authRowByte } from '../auth/rows.js';
import { AuthState } from '../auth/state.js';
import { TokenTable } from '../auth/tokens.js';
import { AuthError, type Identity } from '../auth/types.js';
import type { AppliedEntry } from '../contract.js';
import type { StatePart, StoredRow } from './state-part.js';

const nobody = (state: AuthState): Identity => ({ user: '', revision: state.revision });

/** Users, roles, and who may do what. */
export class AuthPart implements StatePart {
  readonly commandByte = authCommandByte;
  readonly rowByte = authRowByte;
  /** The present state; a restore replaces it. */
  state = new AuthState();
  readonly tokens = new TokenTable();

  apply(data: Uint8Array): AppliedEntry {
    return this.applyAs(data, null);
  }

  /** `identity` null: the proposer knew of no authentication. */
  applyAs(data: Uint8Array, identity: Identity | null): AppliedEntry {
    const command = decode(data);
    if (command instanceof MvccError) return { rows: [], result: command };
    if (command.kind !== 'authenticate') {
      const refusal = this.#refusal(identity, (who) => requireAdmin(this.state, who));
      if (refusal !== null) return { rows: [], result: refusal };
    }
    const { rows, result, tokens } = this.state.apply(command);
    if (tokens !== null) this.tokens.apply(tokens, performance.now());
    return { rows, result };
  }

  /** Why a command of the keys' part must not be applied; null: it may be. */
  refusal(command: Command, identity: Identity | null, leases: Leases): AuthError | null {
    if (identity === null && (!this.state.enabled || isInternal(command))) return null;
    return this.#refusal(identity, (who) => requireCommand(this.state, who, command, leases));
  }

  restore(rows: readonly StoredRow[]): void {
    this.state = AuthState.restore(rows);
    // What has happened to their users meanwhile is not known.
    this.tokens.apply({ kind: 'all-gone' }, performance.now());
  }

  rows(): Iterable<StoredRow> {
    return this.state.rows();
  }

  /**
   * Whoever proposed it decided by another state than this one: then it must look again. A request that was let pass before
   * authentication was enabled is no exception.
   */
  #refusal(identity: Identity | null, check: (who: Identity) => void): AuthError | null {
    const { enabled, revision } = this.state;
    if (enabled && identity?.revision !== revision) return new AuthError('old-revision');
    try {
      check(identity ?? nobody(this.state));
      return null;
    } catch (error) {
      if (error instanceof AuthError) return error;
      throw error;
    }
  }
}

/** As in mvcc-part.ts: refused by all alike, or the end of a member that is too old. */
function decode(data: Uint8Array): AuthCommand | MvccError {
  try {
    return decodeAuthCommand(data);
  } catch (error) {
    if (error instanceof MalformedError) return new MvccError('malformed-command', error.message);
    throw error;
  }
}
