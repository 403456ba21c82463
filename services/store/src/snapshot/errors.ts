/** A file that is no snapshot, or not one that can be restored. One line for the operator. */
export class SnapshotFileError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SnapshotFileError';
  }
}
