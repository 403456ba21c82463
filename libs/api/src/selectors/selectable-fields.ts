import type { KubeObject, Resource } from '../resource.js';
import { isObject, ownProperty } from '../values.js';

type Read = (object: KubeObject) => string;

/** The field at a path as text; what is not there is `absent`. */
const at = (path: string, absent = ''): Read => {
  const names = path.split('.');
  return (object) => {
    const value = names.reduce<unknown>(
      (each, name) => (isObject(each) ? ownProperty(each, name) : undefined),
      object,
    );
    return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
      ? String(value)
      : absent;
  };
};

const source: Read = (event) => at('source.component')(event) || at('reportingComponent')(event);

const paths = (...names: readonly string[]): [string, Read][] => names.map((name) => [name, at(name)]);

const name = paths('metadata.name');
const nameAndNamespace = paths('metadata.name', 'metadata.namespace');

/** What each resource can be selected by, beside name and namespace, as in Kubernetes' AddFieldLabelConversionFunc calls. */
const ownFields: Readonly<Record<string, ReadonlyMap<string, Read>>> = {
  pods: new Map([
    ...nameAndNamespace,
    ...paths(
      'spec.nodeName',
      'spec.restartPolicy',
      'spec.schedulerName',
      'spec.serviceAccountName',
      'status.phase',
      'status.podIP',
      'status.nominatedNodeName',
    ),
    ['spec.hostNetwork', at('spec.hostNetwork', 'false')],
  ]),
  nodes: new Map([...name, ['spec.unschedulable', at('spec.unschedulable', 'false')]]),
  namespaces: new Map([...name, ...paths('status.phase')]),
  secrets: new Map([...nameAndNamespace, ...paths('type')]),
  services: new Map([...nameAndNamespace, ...paths('spec.clusterIP', 'spec.type')]),
  events: new Map([
    ...nameAndNamespace,
    ...paths(
      'involvedObject.kind',
      'involvedObject.namespace',
      'involvedObject.name',
      'involvedObject.uid',
      'involvedObject.apiVersion',
      'involvedObject.resourceVersion',
      'involvedObject.fieldPath',
      'reason',
      'reportingComponent',
      'type',
    ),
    ['source', source],
  ]),
};

const everyKindsFields: ReadonlyMap<string, Read> = new Map(nameAndNamespace);

export interface SelectableFields {
  readonly fields: ReadonlyMap<string, Read>;
  /** What to say of a field that is not among them. */
  readonly unsupported: (field: string) => string;
}

export const selectableFields = ({ group, plural }: Pick<Resource, 'group' | 'plural'>): SelectableFields => {
  const own = group === '' && Object.hasOwn(ownFields, plural) ? ownFields[plural] : undefined;
  return own === undefined
    ? {
        fields: everyKindsFields,
        unsupported: (field) =>
          `${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`,
      }
    : { fields: own, unsupported: (field) => `field label not supported: ${field}` };
};
