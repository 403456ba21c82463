import { ByteReader, ByteWriter, MalformedError } from './codec.js';
import { mvccLimits } from './limits.js';
import type {
  Compare,
  CompareResult,
  DeleteRangeRequest,
  Op,
  PutRequest,
  RangeRequest,
  SortOrder,
  SortTarget,
  TxnRequest,
} from './requests.js';
import type { LeaseId } from './types.js';

/** What is proposed: everything that can change the store. */
export type Command =
  | PutRequest
  | DeleteRangeRequest
  | TxnRequest
  | { readonly kind: 'compact'; readonly revision: number }
  /** Removes more of what the last compaction made superfluous. */
  | { readonly kind: 'compact-step' }
  | { readonly kind: 'lease-grant'; readonly id: LeaseId; readonly ttlSeconds: number }
  | { readonly kind: 'lease-revoke'; readonly id: LeaseId }
  /** The leader of `term` saw the lease end. In another term it means nothing: a newer leader has prolonged the lease. */
  | { readonly kind: 'lease-expire'; readonly id: LeaseId; readonly term: number };

/** A member that does not know a command must not skip it: its state would part from the others'. */
export class UnknownCommandError extends Error {
  constructor(what: string) {
    super(`${what}: written by a newer version`);
    this.name = 'UnknownCommandError';
  }
}

const formatVersion = 1;

// The position of a name in these lists is its number on disk: append only.
const kinds = [
  'put',
  'delete-range',
  'txn',
  'compact',
  'compact-step',
  'lease-grant',
  'lease-revoke',
  'lease-expire',
  'range',
] as const satisfies readonly (Command['kind'] | Op['kind'])[];
const sortOrders = ['NONE', 'ASCEND', 'DESCEND'] as const satisfies readonly SortOrder[];
const sortTargets = ['KEY', 'VERSION', 'CREATE', 'MOD', 'VALUE'] as const satisfies readonly SortTarget[];
const compareResults = ['EQUAL', 'GREATER', 'LESS', 'NOT_EQUAL'] as const satisfies readonly CompareResult[];
const compareTargets = [
  'VERSION',
  'CREATE',
  'MOD',
  'VALUE',
  'LEASE',
] as const satisfies readonly Compare['target'][];

export function encodeCommand(command: Command): Uint8Array {
  const hint = command.kind === 'put' ? command.key.length + command.value.length + 24 : 128;
  const writer = new ByteWriter(hint);
  writer.byte(formatVersion);
  writer.byte(kinds.indexOf(command.kind));
  switch (command.kind) {
    case 'put':
    case 'delete-range':
    case 'txn':
      writeOp(writer, command);
      break;
    case 'compact':
      writer.signed(command.revision);
      break;
    case 'compact-step':
      break;
    case 'lease-grant':
      writer.lease(command.id);
      writer.signed(command.ttlSeconds);
      break;
    case 'lease-revoke':
      writer.lease(command.id);
      break;
    case 'lease-expire':
      writer.lease(command.id);
      writer.unsigned(command.term);
      break;
  }
  return writer.finish();
}

/** Throws UnknownCommandError for what a newer version wrote, MalformedError for what no version writes. */
export function decodeCommand(data: Uint8Array): Command {
  const reader = new ByteReader(data);
  const version = reader.byte();
  if (version !== formatVersion) throw new UnknownCommandError(`command format ${version}`);
  const command = readCommand(reader);
  reader.end();
  return command;
}

function readCommand(reader: ByteReader): Command {
  const number = reader.byte();
  const kind = kinds[number];
  if (kind === undefined) throw new UnknownCommandError(`command ${number}`);
  switch (kind) {
    case 'put':
    case 'delete-range':
    case 'txn':
      return readOp(reader, kind, 0) as PutRequest | DeleteRangeRequest | TxnRequest;
    case 'compact':
      return { kind, revision: reader.signed() };
    case 'compact-step':
      return { kind };
    case 'lease-grant':
      return { kind, id: reader.lease(), ttlSeconds: reader.signed() };
    case 'lease-revoke':
      return { kind, id: reader.lease() };
    case 'lease-expire':
      return { kind, id: reader.lease(), term: reader.unsigned() };
    case 'range':
      throw new MalformedError('a range is no command');
  }
}

function writeOp(writer: ByteWriter, op: Op): void {
  switch (op.kind) {
    case 'put':
      writer.byte(flags(op.prevKv, op.ignoreValue, op.ignoreLease));
      writer.binary(op.key);
      writer.binary(op.value);
      writer.lease(op.lease);
      break;
    case 'delete-range':
      writer.byte(flags(op.prevKv));
      writer.binary(op.key);
      writer.binary(op.rangeEnd);
      break;
    case 'range':
      writeRange(writer, op);
      break;
    case 'txn':
      writer.unsigned(op.compare.length);
      for (const compare of op.compare) writeCompare(writer, compare);
      for (const branch of [op.success, op.failure]) {
        writer.unsigned(branch.length);
        for (const inner of branch) {
          writer.byte(kinds.indexOf(inner.kind));
          writeOp(writer, inner);
        }
      }
      break;
  }
}

function readOp(reader: ByteReader, kind: Op['kind'], depth: number): Op {
  switch (kind) {
    case 'put': {
      const bits = reader.byte();
      return {
        kind,
        key: reader.binary(),
        value: reader.binary(),
        lease: reader.lease(),
        prevKv: isSet(bits, 0),
        ignoreValue: isSet(bits, 1),
        ignoreLease: isSet(bits, 2),
      };
    }
    case 'delete-range': {
      const bits = reader.byte();
      return { kind, key: reader.binary(), rangeEnd: reader.binary(), prevKv: isSet(bits, 0) };
    }
    case 'range':
      return readRange(reader);
    case 'txn': {
      if (depth >= mvccLimits.txnDepthMax) throw new MalformedError('transactions nested too deeply');
      const compare = list(reader, () => readCompare(reader));
      const success = list(reader, () => readInner(reader, depth + 1));
      const failure = list(reader, () => readInner(reader, depth + 1));
      return { kind, compare, success, failure };
    }
  }
}

function readInner(reader: ByteReader, depth: number): Op {
  const kind = kinds[reader.byte()];
  if (kind !== 'put' && kind !== 'delete-range' && kind !== 'range' && kind !== 'txn') {
    throw new MalformedError('no operation of a transaction');
  }
  return readOp(reader, kind, depth);
}

function writeRange(writer: ByteWriter, op: RangeRequest): void {
  writer.byte(flags(op.keysOnly, op.countOnly));
  writer.byte(sortOrders.indexOf(op.sortOrder));
  writer.byte(sortTargets.indexOf(op.sortTarget));
  writer.binary(op.key);
  writer.binary(op.rangeEnd);
  writer.signed(op.limit);
  writer.signed(op.revision);
  writer.signed(op.minModRevision);
  writer.signed(op.maxModRevision);
  writer.signed(op.minCreateRevision);
  writer.signed(op.maxCreateRevision);
}

function readRange(reader: ByteReader): RangeRequest {
  const bits = reader.byte();
  return {
    kind: 'range',
    keysOnly: isSet(bits, 0),
    countOnly: isSet(bits, 1),
    sortOrder: named(sortOrders, reader),
    sortTarget: named(sortTargets, reader),
    key: reader.binary(),
    rangeEnd: reader.binary(),
    limit: reader.signed(),
    revision: reader.signed(),
    minModRevision: reader.signed(),
    maxModRevision: reader.signed(),
    minCreateRevision: reader.signed(),
    maxCreateRevision: reader.signed(),
  };
}

function writeCompare(writer: ByteWriter, compare: Compare): void {
  writer.byte(compareTargets.indexOf(compare.target));
  writer.byte(compareResults.indexOf(compare.result));
  writer.binary(compare.key);
  writer.binary(compare.rangeEnd);
  if (compare.target === 'VALUE') writer.binary(compare.operand);
  else if (compare.target === 'LEASE') writer.lease(compare.operand);
  else writer.signed(compare.operand);
}

function readCompare(reader: ByteReader): Compare {
  const target = named(compareTargets, reader);
  const result = named(compareResults, reader);
  const key = reader.binary();
  const rangeEnd = reader.binary();
  if (target === 'VALUE') return { result, key, rangeEnd, target, operand: reader.binary() };
  if (target === 'LEASE') return { result, key, rangeEnd, target, operand: reader.lease() };
  return { result, key, rangeEnd, target, operand: reader.signed() };
}

function list<T>(reader: ByteReader, item: () => T): T[] {
  const items: T[] = [];
  for (let left = reader.unsigned(); left > 0; left -= 1) items.push(item());
  return items;
}

function named<T>(names: readonly T[], reader: ByteReader): T {
  const name = names[reader.byte()];
  if (name === undefined) throw new MalformedError('unknown name');
  return name;
}

function flags(...bits: readonly boolean[]): number {
  return bits.reduce((sum, bit, at) => (bit ? sum | (1 << at) : sum), 0);
}

const isSet = (bits: number, at: number): boolean => (bits & (1 << at)) !== 0;
