import { contains, keyRange, type KeyRange, type Op, type TxnRequest } from '@raftsman/mvcc';
import { etcdError } from './errors.js';

interface Written {
  readonly puts: Set<string>;
  readonly deletions: KeyRange[];
}

/**
 * No key may be put twice, or put and deleted, by the operations of one branch; the two branches of a transaction exclude
 * each other, so that a key in both is fine (etcd's checkIntervals). Throws EtcdError.
 */
export function requireDistinctKeys(txn: TxnRequest): void {
  written(txn.success);
  written(txn.failure);
}

function written(ops: readonly Op[]): Written {
  const puts = new Set<string>();
  const deletions: KeyRange[] = [];
  for (const op of ops) {
    // etcd overlooks deletions "from this key on"; such a transaction has two changes of a key in one revision.
    if (op.kind === 'delete-range' && op.rangeEnd !== '\0') deletions.push(keyRange(op.key, op.rangeEnd));
  }
  const add = (key: string, isPutElsewhere: boolean): void => {
    if (isPutElsewhere || deletions.some((range) => contains(range, key))) throw etcdError('duplicateKey');
    puts.add(key);
  };
  for (const op of ops) {
    if (op.kind !== 'txn') continue;
    const success = written(op.success);
    const failure = written(op.failure);
    for (const key of success.puts) add(key, puts.has(key));
    for (const key of failure.puts) add(key, puts.has(key) && !success.puts.has(key));
    deletions.push(...success.deletions, ...failure.deletions);
  }
  for (const op of ops) if (op.kind === 'put') add(op.key, puts.has(op.key));
  return { puts, deletions };
}
