export { Metadata, silenceGrpc, status } from './grpc.js';
export { loadService, loadTypes, serviceDefinition } from './load-proto.js';
export {
  clientCredentials,
  serverCredentials,
  type CertificateFiles,
  type ClientSecurity,
  type Security,
  type TlsFiles,
} from './tls.js';
export { apiserverName, balancedTarget, channelOptions } from './channel.js';
export { createGrpcServer, type GrpcServer, type GrpcServerOptions, type GrpcService } from './server.js';
export { liftBodyLimit } from './body-timeout.js';
export { listenShared, type SharedPort } from './shared-port.js';
export { connectUpgraded, type UpgradeEvents, type UpgradeFace, type UpgradeOptions } from './upgrade.js';
export { CallError, InProcessServices, type Caller, type Method } from './in-process.js';
export { wireLimits } from './limits.js';
