import type { handleUnaryCall, Metadata } from '@grpc/grpc-js';
import type { Caller } from './access.js';
import type { Context } from './context.js';
import { etcdError, toEtcdError } from './errors.js';

/** Clients that would rather fail than be answered by a member cut off from the leader send this. */
export function requiresLeader(metadata: Metadata): boolean {
  return metadata.get('hasleader').includes('true');
}

/** A handler, which knows by `call` who asks (access.ts), and whose rejections become the client's status. What is no refusal is a bug: it rejects unhandled and the process dies. */
export function unary<Request, Response>(
  context: Context,
  handle: (request: Request, call: Caller) => Promise<Response> | Response,
): handleUnaryCall<Request, Response> {
  return (call, callback) => {
    void answer();
    async function answer(): Promise<void> {
      let response: Response;
      try {
        if (requiresLeader(call.metadata) && context.replica.status().leader === null)
          throw etcdError('noLeader');
        response = await handle(call.request, call);
      } catch (error) {
        const refusal = toEtcdError(error);
        if (refusal === undefined) throw error;
        callback({ code: refusal.code, details: refusal.details });
        return;
      }
      callback(null, response);
    }
  };
}
