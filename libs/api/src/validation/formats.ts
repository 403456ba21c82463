/**
 * The forms that names and values must have. Each check returns what is wrong, in the words of Kubernetes'
 * apimachinery/pkg/util/validation; nothing wrong is an empty list.
 */
export type FormatCheck = (value: string) => readonly string[];

const LABEL_LENGTH_MAX = 63;
const SUBDOMAIN_LENGTH_MAX = 253;
const PORT_NAME_LENGTH_MAX = 15;

const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const subdomain = `${label}(\\.${label})*`;
const dns1035 = '[a-z]([-a-z0-9]*[a-z0-9])?';
const qualified = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const labelValue = `(${qualified})?`;
const configKey = '[-._a-zA-Z0-9]+';
const percent = '[0-9]+%';

export const maxLength = (lengthMax: number): string => `must be no more than ${lengthMax} bytes`;

const shapeMessage = (said: string, regex: string, ...examples: readonly string[]): string =>
  `${said} (e.g. ${examples.map((each) => `'${each}', `).join(' or ')}regex used for validation is '${regex}')`;

const matching = (regex: string, message: string, lengthMax = SUBDOMAIN_LENGTH_MAX): FormatCheck => {
  const expression = new RegExp(`^${regex}$`);
  return (value) => [
    ...(value.length > lengthMax ? [maxLength(lengthMax)] : []),
    // The expression only sees what is bounded: it takes quadratic time.
    ...(expression.test(value.slice(0, SUBDOMAIN_LENGTH_MAX)) ? [] : [message]),
  ];
};

export const dns1123Label = matching(
  label,
  shapeMessage(
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
    label,
    'my-name',
    '123-abc',
  ),
  LABEL_LENGTH_MAX,
);

export const dns1123Subdomain = matching(
  subdomain,
  shapeMessage(
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
    subdomain,
    'example.com',
  ),
  SUBDOMAIN_LENGTH_MAX,
);

export const dns1035Label = matching(
  dns1035,
  shapeMessage(
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
    dns1035,
    'my-name',
    'abc-123',
  ),
  LABEL_LENGTH_MAX,
);

const qualifiedMessage = shapeMessage(
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  qualified,
  'MyName',
  'my.name',
  '123-abc',
);

const namePart: FormatCheck = (name) => {
  if (name === '') return ['name part must be non-empty', `name part ${qualifiedMessage}`];
  return matching(qualified, qualifiedMessage, LABEL_LENGTH_MAX)(name).map((said) => `name part ${said}`);
};

/** A label's key, an annotation's, a taint's, a resource's: `name` or `example.com/name`. */
export const qualifiedName: FormatCheck = (value) => {
  const [first = '', second, ...more] = value.split('/', 3);
  if (more.length > 0)
    return [
      `a qualified name ${qualifiedMessage} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  if (second === undefined) return namePart(first);
  const prefixProblems =
    first === ''
      ? ['prefix part must be non-empty']
      : dns1123Subdomain(first).map((said) => `prefix part ${said}`);
  return [...prefixProblems, ...namePart(second)];
};

export const labelValueFormat = matching(
  labelValue,
  shapeMessage(
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
    labelValue,
    'MyValue',
    'my_value',
    '12345',
  ),
  LABEL_LENGTH_MAX,
);

const notAPath = (value: string): readonly string[] => {
  if (value === '.') return ["must not be '.'"];
  if (value === '..') return ["must not be '..'"];
  return value.startsWith('..') ? ["must not start with '..'"] : [];
};

/** A key of a ConfigMap or Secret, which may become a file's name. */
export const configMapKey: FormatCheck = (value) => [
  ...matching(
    configKey,
    shapeMessage(
      "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
      configKey,
      'key.name',
      'KEY_NAME',
      'key-name',
    ),
    SUBDOMAIN_LENGTH_MAX,
  )(value),
  ...notAPath(value),
];

/** Printable ASCII but `=`. */
export const envVarName: FormatCheck = (value) =>
  /^[ -<>-~]+$/.test(value)
    ? []
    : ["a valid environment variable name must consist only of printable ASCII characters other than '='"];

export const portName: FormatCheck = (value) => [
  ...(value.length > PORT_NAME_LENGTH_MAX ? [maxLength(PORT_NAME_LENGTH_MAX)] : []),
  ...(/^[-a-z0-9]+$/.test(value)
    ? []
    : ['must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)']),
  ...(/[a-z]/.test(value) ? [] : ['must contain at least one letter (a-z)']),
  ...(value.includes('--') ? ['must not contain consecutive hyphens'] : []),
  ...(/^-|-$/.test(value) ? ['must not begin or end with a hyphen'] : []),
];

export const portNumber = (value: number): readonly string[] =>
  value >= 1 && value <= 65_535 ? [] : ['must be between 1 and 65535, inclusive'];

export const percentage: FormatCheck = matching(
  percent,
  shapeMessage(
    "a valid percent string must be a numeric string followed by an ending '%'",
    percent,
    '1%',
    '93%',
  ),
);

const ipv4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

export const isIPv4 = (value: string): boolean => ipv4.test(value);

const hextets = (part: string): readonly string[] => (part === '' ? [] : part.split(':'));

/** Without a zone, which Kubernetes does not take either. */
export const isIPv6 = (value: string): boolean => {
  if (value.length > 45) return false;
  const lastColon = value.lastIndexOf(':');
  const tail = value.slice(lastColon + 1);
  const plain = isIPv4(tail) ? `${value.slice(0, lastColon + 1)}0:0` : value;
  const halves = plain.split('::');
  if (lastColon === -1 || halves.length > 2) return false;
  const groups = halves.flatMap(hextets);
  if (!groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return false;
  return halves.length === 2 ? groups.length <= 7 : groups.length === 8;
};

export const ipAddress: FormatCheck = (value) =>
  isIPv4(value) || isIPv6(value) ? [] : ['must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'];

const prefixLengthFits = (length: string | undefined, most: number): boolean =>
  length !== undefined && /^(?:0|[1-9]\d{0,2})$/.test(length) && Number(length) <= most;

export const cidr: FormatCheck = (value) => {
  const [address = '', length, ...more] = value.split('/', 3);
  const fits =
    more.length === 0 &&
    ((isIPv4(address) && prefixLengthFits(length, 32)) || (isIPv6(address) && prefixLengthFits(length, 128)));
  return fits ? [] : ['must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'];
};

/** A generated name is judged without the dash that the random end is joined by. */
export const withoutTrailingDash = (prefix: string): string =>
  prefix.length > 1 && prefix.endsWith('-') ? `${prefix.slice(0, -2)}a` : prefix;
