import { createRequire } from 'node:module';
import type * as GrpcJs from '@grpc/grpc-js';
import { LogVerbosity } from '@grpc/grpc-js/build/src/constants.js';
import { setLoggerVerbosity } from '@grpc/grpc-js/build/src/logging.js';

/**
 * What processes do without until they use it, since it holds megabytes: a store serves its ports by itself, and dials nobody while all is well.
 * Sources that such a process loads take the few values that they need from here, and types by `import type`.
 */
export { Status as status } from '@grpc/grpc-js/build/src/constants.js';
export { Metadata } from '@grpc/grpc-js/build/src/metadata.js';

const require = createRequire(import.meta.url);

/** For those that dial, or listen on ports of gRPC's own. */
export const grpcJs = (): typeof GrpcJs => require('@grpc/grpc-js') as typeof GrpcJs;

/** For a process whose own log tells what grpc-js would print beside it. */
export const silenceGrpc = (): void => setLoggerVerbosity(LogVerbosity.NONE);
