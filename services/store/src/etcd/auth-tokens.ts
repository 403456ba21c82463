import { randomBytes } from 'node:crypto';
import { encodeAuthCommand } from '../auth/commands.js';
import type { Identity } from '../auth/types.js';
import { digestOf } from './access.js';
import { proposeEncoded, type Context } from './context.js';

const tokenBytes = 24;

/** A token that every member knows. Rejects with AuthError (`old-revision`: the user may be another by now) or ReplicaError. */
export async function issueToken(context: Context, { user, revision }: Identity): Promise<string> {
  const token = randomBytes(tokenBytes).toString('base64url');
  const command = { kind: 'authenticate', user, tokenDigest: digestOf(token), revision } as const;
  await proposeEncoded(context, encodeAuthCommand(command));
  return token;
}
