import type { Command, Compare, KeyValue, Op, RangeRequest, TxnRequest } from '../src/index.js';

/** A store so dumb that it is plainly right: a whole copy of everything for every revision. */

export interface ModelKv {
  key: string;
  value: string;
  create: number;
  mod: number;
  version: number;
  lease: bigint;
}
type State = ReadonlyMap<string, ModelKv>;
export interface ModelEvent {
  key: string;
  mod: number;
  value: string | null;
}

class Refused extends Error {}

export const plain = (kv: KeyValue): ModelKv => ({
  key: kv.key,
  value: kv.value,
  create: kv.createRevision,
  mod: kv.modRevision,
  version: kv.version,
  lease: kv.lease,
});

const inRange = (key: string, start: string, end: string): boolean =>
  end === '' ? key === start : key >= start && (end === '\0' || key < end);

export class Model {
  /** states[r]: everything at revision r. */
  states: State[] = [new Map(), new Map()];
  events: ModelEvent[] = [];
  compactRevision = -1;
  leases = new Map<bigint, number>();

  get revision(): number {
    return this.states.length - 1;
  }

  /** What the command answers, in the shape of `summary`. */
  apply(command: Command, term: number): unknown {
    const before = this.states[this.revision]!;
    const draft = new Map(before);
    const drafted: ModelEvent[] = [];
    const leases = new Map(this.leases);
    let compactTo = this.compactRevision;
    let answer: unknown;
    try {
      switch (command.kind) {
        case 'put':
          this.#checkPut(command, draft);
          answer = this.#op(command, draft, drafted);
          break;
        case 'delete-range':
          answer = this.#op(command, draft, drafted);
          break;
        case 'txn':
          answer = this.#txn(command, draft, drafted);
          break;
        case 'compact':
          if (command.revision <= compactTo) throw new Refused('compacted');
          if (command.revision > this.revision) throw new Refused('future-revision');
          compactTo = command.revision;
          answer = 'compact';
          break;
        case 'compact-step':
          answer = 'compact';
          break;
        case 'lease-grant':
          if (command.id === 0n) throw new Refused('lease-not-found');
          if (leases.has(command.id)) throw new Refused('lease-exists');
          leases.set(command.id, command.ttlSeconds);
          answer = 'lease-grant';
          break;
        case 'lease-expire':
        case 'lease-revoke': {
          if (command.kind === 'lease-expire' && command.term !== term) throw new Refused('stale-expiry');
          if (!leases.delete(command.id)) throw new Refused('lease-not-found');
          const held = [...draft.values()].filter((kv) => kv.lease === command.id).map((kv) => kv.key);
          for (const key of held.sort()) this.#delete(key, draft, drafted);
          answer = 'lease-revoke';
          break;
        }
      }
    } catch (error) {
      if (error instanceof Refused) return { refused: error.message };
      throw error;
    }
    this.leases = leases;
    this.compactRevision = compactTo;
    if (drafted.length > 0) {
      this.states.push(draft);
      this.events.push(...drafted);
    }
    return answer;
  }

  range(request: RangeRequest, draft?: State, changed = false): unknown {
    const current = draft ?? this.states[this.revision]!;
    const revision = this.revision + (changed ? 1 : 0);
    if (request.revision > revision) throw new Refused('future-revision');
    if (request.revision > 0 && request.revision < this.compactRevision) throw new Refused('compacted');
    const state =
      request.revision <= 0 || request.revision === revision ? current : this.states[request.revision]!;
    const all = [...state.values()]
      .filter((kv) => inRange(kv.key, request.key, request.rangeEnd))
      .sort((a, b) => (a.key < b.key ? -1 : 1));
    const count = all.length;
    const filtering =
      request.minModRevision ||
      request.maxModRevision ||
      request.minCreateRevision ||
      request.maxCreateRevision;
    let kvs = all.filter(
      (kv) =>
        kv.mod >= request.minModRevision &&
        (request.maxModRevision === 0 || kv.mod <= request.maxModRevision) &&
        kv.create >= request.minCreateRevision &&
        (request.maxCreateRevision === 0 || kv.create <= request.maxCreateRevision),
    );
    // etcd applies the limit before a sort that nobody gave an order for.
    if (request.limit > 0 && request.sortOrder === 'NONE' && !filtering)
      kvs = kvs.slice(0, request.limit + 1);
    const field = (kv: ModelKv): number | string =>
      ({ KEY: kv.key, VERSION: kv.version, CREATE: kv.create, MOD: kv.mod, VALUE: kv.value })[
        request.sortTarget
      ];
    const sign = request.sortOrder === 'DESCEND' ? -1 : 1;
    kvs.sort((a, b) => sign * (field(a) < field(b) ? -1 : field(a) > field(b) ? 1 : 0));
    const more = !request.countOnly && request.limit > 0 && kvs.length > request.limit;
    if (request.limit > 0) kvs = kvs.slice(0, request.limit);
    return { revision, count, more, kvs: request.countOnly ? [] : kvs };
  }

  /** Throws Refused's message as an answer. */
  read(request: RangeRequest): unknown {
    try {
      return this.range(request);
    } catch (error) {
      if (error instanceof Refused) return { refused: error.message };
      throw error;
    }
  }

  #op(op: Op, draft: Map<string, ModelKv>, drafted: ModelEvent[]): unknown {
    switch (op.kind) {
      case 'range':
        return this.range(op, draft, drafted.length > 0);
      case 'put': {
        const old = draft.get(op.key);
        const mod = this.revision + 1;
        draft.set(op.key, {
          key: op.key,
          // Checked before the transaction; within it the key may have gone.
          value: op.ignoreValue ? (old?.value ?? '') : op.value,
          lease: op.ignoreLease ? (old?.lease ?? 0n) : op.lease,
          create: old?.create ?? mod,
          version: (old?.version ?? 0) + 1,
          mod,
        });
        drafted.push({ key: op.key, mod, value: draft.get(op.key)!.value });
        return { revision: mod, prev: op.prevKv ? (old ?? null) : null };
      }
      case 'delete-range': {
        const gone = [...draft.values()]
          .filter((kv) => inRange(kv.key, op.key, op.rangeEnd))
          .sort((a, b) => (a.key < b.key ? -1 : 1));
        for (const kv of gone) this.#delete(kv.key, draft, drafted);
        const revision = this.revision + (drafted.length > 0 ? 1 : 0);
        return { revision, deleted: gone.length, prev: op.prevKv ? gone : [] };
      }
      case 'txn':
        return this.#txn(op, draft, drafted);
    }
  }

  #checkPut(op: Extract<Op, { kind: 'put' }>, state: State): void {
    if (op.lease !== 0n && !this.leases.has(op.lease)) throw new Refused('lease-not-found');
    if ((op.ignoreValue || op.ignoreLease) && !state.has(op.key)) throw new Refused('key-not-found');
  }

  #delete(key: string, draft: Map<string, ModelKv>, drafted: ModelEvent[]): void {
    draft.delete(key);
    drafted.push({ key, mod: this.revision + 1, value: null });
  }

  #txn(txn: TxnRequest, draft: Map<string, ModelKv>, drafted: ModelEvent[]): unknown {
    const start = this.states[this.revision]!;
    const chosen = (each: TxnRequest): readonly Op[] =>
      each.compare.every((compare) => this.#holds(compare, start)) ? each.success : each.failure;
    const flat = (each: TxnRequest): Op[] =>
      chosen(each).flatMap((op) => (op.kind === 'txn' ? flat(op) : [op]));
    for (const op of flat(txn)) if (op.kind === 'put') this.#checkPut(op, start);
    for (const op of flat(txn)) if (op.kind === 'range') this.range({ ...op, limit: 0 });
    const run = (each: TxnRequest): unknown => {
      const succeeded = each.compare.every((compare) => this.#holds(compare, start));
      const responses = chosen(each).map((op) =>
        op.kind === 'txn' ? run(op) : this.#op(op, draft, drafted),
      );
      return { revision: this.revision + (drafted.length > 0 ? 1 : 0), succeeded, responses };
    };
    return run(txn);
  }

  #holds(compare: Compare, state: State): boolean {
    const kvs = [...state.values()].filter((kv) => inRange(kv.key, compare.key, compare.rangeEnd));
    if (kvs.length === 0) {
      if (compare.target === 'VALUE') return false;
      kvs.push({ key: '', value: '', create: 0, mod: 0, version: 0, lease: 0n });
    }
    return kvs.every((kv) => {
      const actual = {
        VERSION: kv.version,
        CREATE: kv.create,
        MOD: kv.mod,
        VALUE: kv.value,
        LEASE: kv.lease,
      }[compare.target];
      if (compare.result === 'EQUAL') return actual === compare.operand;
      if (compare.result === 'NOT_EQUAL') return actual !== compare.operand;
      return compare.result === 'GREATER' ? actual > compare.operand : actual < compare.operand;
    });
  }
}
