import { obj, type ObjectSchema, type Properties } from '../schema.js';

type Rest = Omit<ObjectSchema, 'kind' | 'name' | 'properties'>;

const within =
  (prefix: string) =>
  <const P extends Properties>(name: string, properties: P, rest: Rest = {}): ObjectSchema<P> =>
    obj(properties, { name: `${prefix}.${name}`, ...rest });

/** Objects under their OpenAPI names: `coreV1('PodSpec', …)` is `io.k8s.api.core.v1.PodSpec`. */
export const coreV1 = within('io.k8s.api.core.v1');
export const appsV1 = within('io.k8s.api.apps.v1');
export const discoveryV1 = within('io.k8s.api.discovery.v1');
export const coordinationV1 = within('io.k8s.api.coordination.v1');
export const metaV1 = within('io.k8s.apimachinery.pkg.apis.meta.v1');
