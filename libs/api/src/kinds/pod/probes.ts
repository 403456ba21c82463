import { type Infer, atomicList, int32, int64, intOrString, oneOf, opt, req, str } from '../../schema.js';
import { coreV1 } from '../define.js';

export const execAction = coreV1('ExecAction', {
  command: opt(atomicList(str())),
});
export type ExecAction = Infer<typeof execAction>;

export const httpHeader = coreV1('HTTPHeader', {
  name: req(str()),
  value: req(str()),
});
export type HTTPHeader = Infer<typeof httpHeader>;

export const httpGetAction = coreV1('HTTPGetAction', {
  port: req(intOrString()),
  host: opt(str()),
  httpHeaders: opt(atomicList(httpHeader)),
  path: opt(str({ default: '/' })),
  scheme: opt(oneOf(['HTTP', 'HTTPS'], { default: 'HTTP' })),
});
export type HTTPGetAction = Infer<typeof httpGetAction>;

export const tcpSocketAction = coreV1('TCPSocketAction', {
  port: req(intOrString()),
  host: opt(str()),
});
export type TCPSocketAction = Infer<typeof tcpSocketAction>;

export const grpcAction = coreV1('GRPCAction', {
  port: req(int32()),
  service: opt(str({ default: '' })),
});
export type GRPCAction = Infer<typeof grpcAction>;

export const sleepAction = coreV1('SleepAction', {
  seconds: req(int64()),
});
export type SleepAction = Infer<typeof sleepAction>;

export const lifecycleHandler = coreV1('LifecycleHandler', {
  exec: opt(execAction),
  httpGet: opt(httpGetAction),
  sleep: opt(sleepAction),
  tcpSocket: opt(tcpSocketAction),
});
export type LifecycleHandler = Infer<typeof lifecycleHandler>;

export const lifecycle = coreV1('Lifecycle', {
  postStart: opt(lifecycleHandler),
  preStop: opt(lifecycleHandler),
  stopSignal: opt(str()),
});
export type Lifecycle = Infer<typeof lifecycle>;

export const probe = coreV1('Probe', {
  exec: opt(execAction),
  failureThreshold: opt(int32({ default: 3 })),
  grpc: opt(grpcAction),
  httpGet: opt(httpGetAction),
  initialDelaySeconds: opt(int32()),
  periodSeconds: opt(int32({ default: 10 })),
  successThreshold: opt(int32({ default: 1 })),
  tcpSocket: opt(tcpSocketAction),
  terminationGracePeriodSeconds: opt(int64()),
  timeoutSeconds: opt(int32({ default: 1 })),
});
export type Probe = Infer<typeof probe>;
