import { randomBytes } from 'node:crypto';
import { encodeAuthCommand } from '../auth/commands.js';
import { AuthError, type Identity } from '../auth/types.js';
import { certifiedUser, digestOf, tokenOf, untilCurrent, type Caller } from './access.js';
import { proposeEncoded, type Context } from './context.js';
import { etcdLimits } from './limits.js';

const tokenBytes = 24;

/** A token that every member knows. Rejects with AuthError (`old-revision`: the user may be another by now) or ReplicaError. */
export async function issueToken(context: Context, { user, revision }: Identity): Promise<string> {
  const token = randomBytes(tokenBytes).toString('base64url');
  const command = { kind: 'authenticate', user, tokenDigest: digestOf(token), revision } as const;
  await proposeEncoded(context, encodeAuthCommand(command));
  return token;
}

/** The tokens with which this member asks the leader in the name of callers who have shown it a certificate. */
export class ForwardedTokens {
  readonly #context: Context;
  readonly #tokens = new Map<string, string>();

  constructor(context: Context) {
    this.#context = context;
  }

  /** undefined: the caller is nobody, or authentication is off. Rejects like issueToken. */
  async of(caller: Caller): Promise<string | undefined> {
    const { auth, tokens } = this.#context.stateMachine;
    if (!auth.enabled) return undefined;
    const shown = tokenOf(caller.metadata);
    if (shown !== undefined) return shown;
    const user = certifiedUser(this.#context, caller);
    if (user === '') return undefined;
    if (auth.user(user) === undefined) throw new AuthError('permission-denied');
    const known = this.#tokens.get(user);
    if (known !== undefined && tokens.use(digestOf(known), performance.now()) !== undefined) return known;
    const token = await untilCurrent(() => {
      const { revision } = this.#context.stateMachine.auth;
      return issueToken(this.#context, { user, revision });
    });
    this.#tokens.delete(user);
    if (this.#tokens.size >= etcdLimits.forwardedTokensMax) this.#tokens.clear();
    this.#tokens.set(user, token);
    return token;
  }

  /** Answers whether there was one. */
  forget(caller: Caller): boolean {
    return (
      tokenOf(caller.metadata) === undefined && this.#tokens.delete(certifiedUser(this.#context, caller))
    );
  }
}
