import type { handleServerStreamingCall, handleUnaryCall, UntypedServiceImplementation } from '@grpc/grpc-js';
import type { AlarmRequest__Output } from '@raftsman/proto/gen/etcdserverpb/AlarmRequest.js';
import { permitAdmin, permitIdentified, type Caller } from './access.js';
import type { Context } from './context.js';
import { toEtcdError, type EtcdError } from './errors.js';

/** Rejects with EtcdError, AuthError or ReplicaError if the call may not be made. */
type Guard = (context: Context, call: Caller & { readonly request: unknown }) => Promise<unknown>;

/** Who may have what done that is not about keys: as in etcd's newest releases, which left less open than 3.5. */
export const guards = {
  Cluster: {
    MemberAdd: permitAdmin,
    MemberRemove: permitAdmin,
    MemberUpdate: permitAdmin,
    MemberPromote: permitAdmin,
    MemberList: permitIdentified,
  },
  Maintenance: {
    Alarm: (context, call) =>
      (call.request as AlarmRequest__Output).action === 'GET'
        ? permitIdentified(context, call)
        : permitAdmin(context, call),
    Status: permitIdentified,
    Defragment: permitAdmin,
    Hash: permitAdmin,
    HashKV: permitAdmin,
    Snapshot: permitAdmin,
    MoveLeader: permitAdmin,
    Downgrade: permitAdmin,
  },
} as const satisfies Record<string, Record<string, Guard>>;

/** The handlers behind their guards (what has none is for administrators), which cost nothing while authentication is off. */
export function guarded<Handlers extends UntypedServiceImplementation>(
  context: Context,
  guardOf: { readonly [Name in keyof Handlers]: Guard },
  handlers: Handlers,
): Handlers {
  return Object.fromEntries(
    Object.entries(handlers).map(([name, handler]) => [
      name,
      behind(context, guardOf[name] ?? permitAdmin, handler as Handler),
    ]),
  ) as Handlers;
}

type Call = Parameters<handleUnaryCall<unknown, unknown>>[0] &
  Parameters<handleServerStreamingCall<unknown, unknown>>[0];
type Callback = Parameters<handleUnaryCall<unknown, unknown>>[1];
/** Unary, or with a stream of responses and no callback. */
type Handler = (call: Call, callback: Callback | undefined) => void;

function behind(context: Context, guard: Guard, handler: Handler): Handler {
  return (call, callback) => {
    if (!context.stateMachine.auth.enabled) return handler(call, callback);
    void admit();
    async function admit(): Promise<void> {
      const refusal = await refusalOf(guard(context, call));
      if (refusal === null) return handler(call, callback);
      const { code, details } = refusal;
      if (callback === undefined) call.emit('error', { code, details });
      else callback({ code, details });
    }
  };
}

/** null: there is none. Rejects with what is no refusal. */
async function refusalOf(check: Promise<unknown>): Promise<EtcdError | null> {
  try {
    await check;
    return null;
  } catch (error) {
    const refusal = toEtcdError(error);
    if (refusal === undefined) throw error;
    return refusal;
  }
}
