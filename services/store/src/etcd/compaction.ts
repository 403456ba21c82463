import { rootUser } from '../auth/types.js';
import { untilCurrent } from './access.js';
import { propose, type Context } from './context.js';

/** Compacts in the member's own name, whoever may do what; resolves when all that is superfluous is gone. Rejects as propose does. */
export async function compactAt(context: Context, revision: number): Promise<void> {
  const { pending } = await untilCurrent(() => {
    const { auth } = context.stateMachine;
    const identity = auth.enabled ? { user: rootUser, revision: auth.revision } : null;
    return propose(context, { kind: 'compact', revision }, identity);
  });
  if (pending) await finishCompaction(context);
}

/** Removes what compacted versions are left. Rejects as propose does; what is left then goes with the next writes. */
export async function finishCompaction(context: Context): Promise<void> {
  while ((await propose(context, { kind: 'compact-step' })).pending);
}
