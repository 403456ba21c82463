import type { ObjectMeta } from '../resource.js';
import { obj, opt, str, type Infer, type ObjectSchema, type Properties } from '../schema.js';
import { objectMeta } from './meta.js';

const envelope = {
  apiVersion: opt(str(), 'Group and version of the kind: "v1", "apps/v1".'),
  kind: opt(str(), 'The kind, in the singular: "Pod".'),
  metadata: opt(objectMeta, 'Name, namespace, labels and what the server keeps about the object.'),
};

/** A kind's whole schema: `properties` beside (or instead of) apiVersion, kind and metadata; `name` as in OpenAPI. */
export const kindSchema = <const P extends Properties>(
  name: string,
  description: string,
  properties: P,
): ObjectSchema<typeof envelope & P> => obj({ ...envelope, ...properties }, { name, description });

type Body<S> = Omit<Infer<S>, 'apiVersion' | 'kind' | 'metadata' | 'spec'>;
type Spec<S> = Infer<S> extends { spec?: infer T } ? { spec: NonNullable<T> } : unknown;

/** An object of the kind once decoded and defaulted: its envelope and, where the kind has one, its spec are there. */
export type KubeKind<S> = {
  [K in keyof (Header & Spec<S> & Body<S>)]: (Header & Spec<S> & Body<S>)[K];
};
interface Header {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
}
