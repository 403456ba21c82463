import { ageOf } from '../printing/age.js';
import { type Infer, int32, microTime, opt, req, str, time } from '../schema.js';
import { coreV1 } from './define.js';
import { column, defineResource, nameColumn, wideColumn } from './define-resource.js';
import { kindSchema, type KubeKind } from './kind.js';
import { objectMeta } from './meta.js';
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

export const eventSchema = kindSchema('io.k8s.api.core.v1.Event', 'Something that happened to an object.', {
  metadata: req(objectMeta),
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

const sourceText = ({ source, reportingComponent, reportingInstance }: Event): string => {
  const component = source?.component || reportingComponent || '';
  const instance = source?.host || reportingInstance || '';
  return instance === '' ? component : `${component}, ${instance}`;
};

const objectText = ({ involvedObject: { kind = '', name = '' } }: Event): string =>
  name === '' ? kind.toLowerCase() : `${kind.toLowerCase()}/${name}`;

export const events = defineResource<Event>({
  group: '',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  singular: 'event',
  shortNames: ['ev'],
  namespaced: true,
  schema: eventSchema,
  columns: [
    column('Last Seen', 'Time since it last happened.'),
    column('Type', 'Normal or Warning.'),
    column('Reason', 'What happened, in one word.'),
    column('Object', 'What it happened to.'),
    wideColumn('Subobject', 'The part of the object, such as a container.'),
    wideColumn('Source', 'Who saw it.'),
    column('Message', 'What happened.'),
    wideColumn('First Seen', 'Time since it first happened.'),
    wideColumn('Count', 'How often it happened.'),
    { ...nameColumn, priority: 1 },
  ],
  row: (event, now) => {
    const first = event.firstTimestamp ?? event.eventTime;
    return [
      ageOf(event.series?.lastObservedTime ?? event.lastTimestamp ?? first, now),
      event.type ?? '',
      event.reason ?? '',
      objectText(event),
      event.involvedObject.fieldPath ?? '',
      sourceText(event),
      (event.message ?? '').trim(),
      ageOf(first, now),
      event.series?.count ?? (event.count || 1),
      event.metadata.name ?? '',
    ];
  },
});
