import type { HTTPGetAction, Lifecycle, LifecycleHandler, Probe } from '../../kinds/pod/probes.js';
import { invalidValue, required, type FieldError } from '../../status/index.js';
import { portName, portNumber } from '../formats.js';
import { child, each, exactlyOne, isAbsent, notNegative, when } from '../path.js';

const headerName = /^[-A-Za-z0-9]+$/;
const headerMessage =
  "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')";

/** A port by number or by name. */
export const validatePortOrName = (
  port: string | number | undefined,
  path: string,
): readonly FieldError[] => {
  const problems = typeof port === 'string' ? portName(port) : portNumber(port ?? 0);
  return problems.map((said) => invalidValue(path, port ?? 0, said));
};

const validateHttpGet = ({ path: target, port, httpHeaders }: HTTPGetAction, path: string) => [
  ...when(isAbsent(target), () => required(child(path, 'path'))),
  ...validatePortOrName(port, child(path, 'port')),
  ...each(httpHeaders, child(path, 'httpHeaders'), ({ name }) =>
    when(!headerName.test(name ?? ''), () =>
      invalidValue(child(path, 'httpHeaders'), name ?? '', headerMessage),
    ),
  ),
];

type Handler = Pick<Probe, 'exec' | 'httpGet' | 'tcpSocket' | 'grpc'> & Pick<LifecycleHandler, 'sleep'>;

const validateHandler = (handler: Handler, path: string): readonly FieldError[] => {
  const { exec, httpGet, tcpSocket, grpc, sleep } = handler;
  return [
    ...when(exec !== undefined && (exec.command ?? []).length === 0, () =>
      required(child(path, 'exec', 'command')),
    ),
    ...(httpGet === undefined ? [] : validateHttpGet(httpGet, child(path, 'httpGet'))),
    ...(tcpSocket === undefined ? [] : validatePortOrName(tcpSocket.port, child(path, 'tcpSocket', 'port'))),
    ...(grpc === undefined
      ? []
      : portNumber(grpc.port ?? 0).map((said) =>
          invalidValue(child(path, 'grpc', 'port'), grpc.port ?? 0, said),
        )),
    ...(sleep === undefined ? [] : notNegative(sleep.seconds, child(path, 'sleep', 'seconds'))),
    ...exactlyOne(
      { exec, httpGet, tcpSocket, grpc, sleep },
      path,
      'must specify a handler type',
      'may not specify more than 1 handler type',
    ),
  ];
};

const validateProbe = (probe: Probe | undefined, path: string): readonly FieldError[] => {
  if (probe === undefined) return [];
  const { terminationGracePeriodSeconds: grace } = probe;
  const counts = [
    'initialDelaySeconds',
    'timeoutSeconds',
    'periodSeconds',
    'successThreshold',
    'failureThreshold',
  ] as const;
  return [
    ...validateHandler(probe, path),
    ...counts.flatMap((field) => notNegative(probe[field], child(path, field))),
    ...when(grace !== undefined && grace <= 0, () =>
      invalidValue(child(path, 'terminationGracePeriodSeconds'), grace, 'must be greater than 0'),
    ),
  ];
};

/** One success is all that a probe which kills can wait for. */
const mustSucceedOnce = (probe: Probe | undefined, path: string): readonly FieldError[] =>
  when(probe !== undefined && (probe.successThreshold ?? 1) !== 1, () =>
    invalidValue(child(path, 'successThreshold'), probe?.successThreshold, 'must be 1'),
  );

export interface Probes {
  readonly livenessProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly startupProbe?: Probe;
}

export const validateProbes = (
  { livenessProbe, readinessProbe, startupProbe }: Probes,
  path: string,
): readonly FieldError[] => [
  ...validateProbe(livenessProbe, child(path, 'livenessProbe')),
  ...mustSucceedOnce(livenessProbe, child(path, 'livenessProbe')),
  ...validateProbe(readinessProbe, child(path, 'readinessProbe')),
  ...when(readinessProbe?.terminationGracePeriodSeconds !== undefined, () =>
    invalidValue(
      child(path, 'readinessProbe', 'terminationGracePeriodSeconds'),
      readinessProbe?.terminationGracePeriodSeconds,
      'must not be set for readinessProbes',
    ),
  ),
  ...validateProbe(startupProbe, child(path, 'startupProbe')),
  ...mustSucceedOnce(startupProbe, child(path, 'startupProbe')),
];

export const validateLifecycle = ({ postStart, preStop }: Lifecycle, path: string): readonly FieldError[] => [
  ...(postStart === undefined ? [] : validateHandler(postStart, child(path, 'postStart'))),
  ...(preStop === undefined ? [] : validateHandler(preStop, child(path, 'preStop'))),
];
