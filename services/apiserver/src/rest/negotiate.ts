import { notAcceptable } from '@raftsman/api';

/** How an answer is wanted: https://kubernetes.io/docs/reference/using-api/api-concepts/#alternate-representations-of-resources */
export interface Representation {
  readonly format: 'json' | 'yaml';
  /** Empty: as it is. */
  readonly as: '' | 'Table' | 'PartialObjectMetadata' | 'APIGroupDiscoveryList';
  /** The version of `as`: v1, v2. */
  readonly version: string;
}

interface Offer {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly quality: number;
}

const formats: ReadonlyMap<string, Representation['format']> = new Map([
  ['application/json', 'json'],
  ['application/yaml', 'yaml'],
  ['*/*', 'json'],
  ['application/*', 'json'],
]);
const offersMax = 32;

/** The first of what the client accepts that we can give; protobuf we cannot. Throws 406. */
export function negotiate(accept: string, allowed: readonly Representation['as'][]): Representation {
  if (accept.trim() === '') return { format: 'json', as: '', version: '' };
  for (const { type, parameters } of parseAccept(accept)) {
    const format = formats.get(type);
    if (format === undefined) continue;
    const as = representationAs(parameters.get('as') ?? '');
    const version = parameters.get('v') ?? '';
    const known = as === '' || (as === 'APIGroupDiscoveryList' ? version === 'v2' : version === 'v1');
    if (as !== null && known && allowed.includes(as)) return { format, as, version };
  }
  throw notAcceptable(['application/json', 'application/yaml']);
}

function representationAs(as: string): Representation['as'] | null {
  switch (as) {
    case '':
    case 'Table':
    case 'PartialObjectMetadata':
    case 'APIGroupDiscoveryList':
      return as;
    case 'PartialObjectMetadataList':
      return 'PartialObjectMetadata';
    default:
      return null;
  }
}

function parseAccept(accept: string): readonly Offer[] {
  return accept
    .split(',', offersMax)
    .map((part) => {
      const [type = '', ...rest] = part.split(';').map((each) => each.trim());
      const parameters = new Map(
        rest.map((each) => {
          const at = each.indexOf('=');
          return at === -1 ? [each, ''] : [each.slice(0, at).toLowerCase(), each.slice(at + 1)];
        }),
      );
      return { type: type.toLowerCase(), parameters, quality: Number(parameters.get('q') ?? 1) };
    })
    .filter(({ quality }) => !(quality === 0))
    .sort((a, b) => b.quality - a.quality);
}
