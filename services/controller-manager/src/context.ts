import type { ApiClient, Clock, EventSink } from '@raftsman/client';
import type { Logger } from '@raftsman/telemetry';
import type { Informers } from './informers.js';

/** What every controller is given; nothing of it is global to the process. */
export interface ControllerContext {
  readonly client: ApiClient;
  readonly informers: Informers;
  readonly recorder: EventSink;
  readonly logger: Logger;
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
}
