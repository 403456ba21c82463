import { growthOf, isReadOnly, type TxnRequest, type TxnResult } from '@raftsman/mvcc';
import type { KVHandlers } from '@raftsman/proto/gen/etcdserverpb/KV.js';
import type { RangeResponse } from '@raftsman/proto/gen/etcdserverpb/RangeResponse.js';
import type { TxnRequest__Output } from '@raftsman/proto/gen/etcdserverpb/TxnRequest.js';
import { requireOp, requireRead } from '../auth/permissions.js';
import { proposeAs, readAs, type Caller } from './access.js';
import { finishCompaction } from './compaction.js';
import { header, memberHeader, storeOf, type Context } from './context.js';
import { parseDeleteRange, parsePut, parseRange, parseTxn } from './from-wire.js';
import type { RangeStreams } from './range-stream.js';
import { encodeRangeResponse } from './range-response.js';
import type { SpaceKeeper } from './space.js';
import { wireKeyValue, wireTxn } from './to-wire.js';
import { unary } from './unary.js';

/** Reads are linearizable through a read index unless they say `serializable`; every write is a proposal. */
export function createKv(context: Context, space: SpaceKeeper, streams: RangeStreams): KVHandlers {
  return {
    Range: unary(context, async (message, call) => {
      const request = parseRange(message);
      if (!message.serializable) await context.replica.readIndex();
      // In its wire form: index.ts lets this method answer so.
      const result = await readAs(
        context,
        call,
        (auth, who) => requireRead(auth, who, request.key, request.rangeEnd),
        () => storeOf(context).range(request),
      );
      return encodeRangeResponse(memberHeader(context), result) as RangeResponse;
    }),

    RangeStream: (call) => void streams.serve(call),

    Put: unary(context, async (message, call) => {
      const request = parsePut(message);
      const result = await space.grow(growthOf(request), () => proposeAs(context, call, request));
      return {
        header: header(context, result.revision),
        prevKv: result.prevKv && wireKeyValue(result.prevKv),
      };
    }),

    DeleteRange: unary(context, async (message, call) => {
      const result = await proposeAs(context, call, parseDeleteRange(message));
      return {
        header: header(context, result.revision),
        deleted: result.deleted,
        prevKvs: result.prevKvs.map((kv) => wireKeyValue(kv)),
      };
    }),

    Txn: unary(context, async (message, call) => {
      const request = parseTxn(message, context.config.txnOpsMax);
      const result = isReadOnly(request)
        ? await readTxn(context, call, request, isSerializable(message))
        : await writeTxn(context, call, space, request);
      return { header: header(context, result.revision), ...wireTxn(result) };
    }),

    Compact: unary(context, async (message, call) => {
      const request = { kind: 'compact', revision: Number(message.revision) } as const;
      const first = await proposeAs(context, call, request);
      const rest = first.pending ? finishCompaction(context) : Promise.resolve();
      if (message.physical) await rest;
      // Without `physical` nobody waits: what a failure leaves is done with the next writes.
      else
        rest.catch((error: unknown) =>
          context.logger.warn({ err: error }, 'compaction goes on with the next writes'),
        );
      return { header: header(context, first.revision) };
    }),
  };
}

async function readTxn(
  context: Context,
  caller: Caller,
  request: TxnRequest,
  serializable: boolean,
): Promise<TxnResult> {
  if (!serializable) await context.replica.readIndex();
  return readAs(
    context,
    caller,
    (auth, who) => requireOp(auth, who, request, storeOf(context).leases),
    () => storeOf(context).read(request),
  );
}

function writeTxn(
  context: Context,
  caller: Caller,
  space: SpaceKeeper,
  request: TxnRequest,
): Promise<TxnResult> {
  const growthBytes = growthOf(request);
  const write = (): Promise<TxnResult> => proposeAs(context, caller, request);
  return growthBytes === 0 ? write() : space.grow(growthBytes, write);
}

/** Only a transaction of nothing but serializable ranges may be stale; one without operations says nothing of the kind (etcd takes it for one). */
function isSerializable({ success, failure }: TxnRequest__Output): boolean {
  const ops = [...success, ...failure];
  return ops.length > 0 && ops.every((op) => op.requestRange?.serializable === true);
}
