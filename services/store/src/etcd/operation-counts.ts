import type { CommandResult, MvccError, TxnResult } from '@raftsman/mvcc';

/** What was done to the keys on this member since its start, for the metrics. Operations within transactions count one by one. */
export class OperationCounts {
  put = 0;
  deleteRange = 0;
  /** Within transactions alone: other ranges are no commands. */
  range = 0;
  /** Of more than one operation. */
  txn = 0;
  leaseGrant = 0;
  leaseRevoke = 0;
  /** By this member as the leader. */
  leaseRenew = 0;
  leaseExpire = 0;
  /** Sent to watchers. */
  events = 0;

  add(result: Exclude<CommandResult, MvccError>): void {
    switch (result.kind) {
      case 'put':
        this.put += 1;
        return;
      case 'delete-range':
        this.deleteRange += 1;
        return;
      case 'txn':
        if (this.#addOperations(result) > 1) this.txn += 1;
        return;
      case 'lease-grant':
        this.leaseGrant += 1;
        return;
      case 'lease-revoke':
        this.leaseRevoke += 1;
        return;
      case 'compact':
    }
  }

  #addOperations({ responses }: TxnResult): number {
    let operations = 0;
    for (const response of responses) {
      if (response.kind === 'txn') {
        operations += this.#addOperations(response);
        continue;
      }
      operations += 1;
      if (response.kind === 'put') this.put += 1;
      else if (response.kind === 'range') this.range += 1;
      else this.deleteRange += 1;
    }
    return operations;
  }
}
