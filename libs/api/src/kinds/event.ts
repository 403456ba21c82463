import { type Infer, int32, microTime, opt, req, str, time } from '../schema.js';
import { coreV1 } from './define.js';
import { kindSchema, type KubeKind } from './kind.js';
import { objectReference } from './references.js';

export const eventSource = coreV1('EventSource', {
  component: opt(str()),
  host: opt(str()),
});
export type EventSource = Infer<typeof eventSource>;

export const eventSeries = coreV1('EventSeries', {
  count: opt(int32()),
  lastObservedTime: opt(microTime()),
});
export type EventSeries = Infer<typeof eventSeries>;

export const eventSchema = kindSchema('io.k8s.api.core.v1.Event', {
  action: opt(str()),
  count: opt(int32()),
  eventTime: opt(microTime()),
  firstTimestamp: opt(time()),
  involvedObject: req(objectReference),
  lastTimestamp: opt(time()),
  message: opt(str()),
  reason: opt(str()),
  related: opt(objectReference),
  reportingComponent: opt(str()),
  reportingInstance: opt(str()),
  series: opt(eventSeries),
  source: opt(eventSource),
  type: opt(str()),
});
export type Event = KubeKind<typeof eventSchema>;
