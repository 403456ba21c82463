import type { UntypedHandleCall } from '@grpc/grpc-js';
import type { GrpcService } from '@raftsman/wire';
import type { Context } from './context.js';
import { etcdError } from './errors.js';

/** What a learner answers (etcd's list), and a witness, which has no state to answer from: everything else goes to other members. */
const answers = {
  learner: (path: string, request: unknown): boolean =>
    path.endsWith('.Maintenance/Status') ||
    path.endsWith('.Maintenance/Snapshot') ||
    (path.endsWith('.KV/Range') && (request as { readonly serializable?: boolean }).serializable === true),
  witness: (path: string): boolean =>
    path.endsWith('.Maintenance/Status') || path.endsWith('.Cluster/MemberList'),
} as const;

const refusals = { learner: 'notSupportedForLearner', witness: 'notSupportedForWitness' } as const;

type Refuse = (refusal: { readonly code: number; readonly details: string }) => void;
type Call = { readonly request?: unknown; emit: (event: 'error', refusal: object) => void };
type Handler = (call: Call, callback?: Refuse) => void;

/** The service, refused method by method while this member is no voter with data. */
export function asStanding(context: Context, service: GrpcService): GrpcService {
  const implementation = Object.fromEntries(
    Object.entries(service.definition).map(([name, { path }]) => {
      const handler = service.implementation[name] as unknown as Handler;
      return [name, inStanding(context, path, handler) as unknown as UntypedHandleCall];
    }),
  );
  return { ...service, implementation };
}

function inStanding({ replica }: Context, path: string, handler: Handler): Handler {
  return (call, callback) => {
    const { standing } = replica;
    if (standing === 'voter' || answers[standing](path, call.request)) return handler(call, callback);
    const { code, details } = etcdError(refusals[standing]);
    if (callback === undefined) call.emit('error', { code, details });
    else callback({ code, details });
  };
}
