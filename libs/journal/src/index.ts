export { Journal, type AppliedChange, type WriteGroup } from './journal.js';
export { JournalError, type JournalErrorCode } from './errors.js';
export { journalLimits } from './limits.js';
export type { CompactedRecord, Identity, RebuildRecord } from './records.js';
export type { Claim, Claimant, Recovered } from './recover.js';
export type { StateRow } from './rows.js';
export type { Space } from './space.js';
export type { StagedSnapshot, Staging } from './staging.js';
export type { StateView } from './state-view.js';
