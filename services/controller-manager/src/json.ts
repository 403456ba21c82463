import { semanticEqual } from '@raftsman/api';

/** Whether a write would change nothing: absent, null and empty are the same. */
export const sameJson: (left: unknown, right: unknown) => boolean = semanticEqual;
