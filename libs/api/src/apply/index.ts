export { LAST_APPLIED } from './last-applied.js';
export { serverSideApply, type ApplyRequest, type ApplyResult } from './server-side-apply.js';
export { trackUpdate, type UpdateToTrack } from './track-update.js';
