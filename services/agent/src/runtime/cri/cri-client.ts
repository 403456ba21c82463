import { Metadata, type Client, type ServiceError, status as grpcStatus } from '@grpc/grpc-js';
import { clientCredentials, loadService, wireLimits } from '@raftsman/wire';
import { RuntimeError, type RuntimeErrorCode } from '../runtime.js';

/** The two services of a CRI endpoint as promises. Rejects with RuntimeError. */
export class CriClient {
  readonly #runtime: Client;
  readonly #images: Client;

  /** `endpoint`: "unix:///run/containerd/containerd.sock". Connects with the first call. */
  constructor(endpoint: string) {
    const security = clientCredentials('insecure');
    const options = {
      'grpc.max_receive_message_length': wireLimits.receiveMessageBytesMax,
      'grpc.initial_reconnect_backoff_ms': wireLimits.reconnectBackoffMinMs,
      'grpc.max_reconnect_backoff_ms': wireLimits.reconnectBackoffMaxMs,
      // A unix socket has no name of its own; containerd refuses an authority with an escaped path.
      'grpc.default_authority': 'localhost',
    };
    const Runtime = loadService('cri/cri.proto', 'runtime.v1.RuntimeService');
    const Images = loadService('cri/cri.proto', 'runtime.v1.ImageService');
    this.#runtime = new Runtime(endpoint, security, options);
    this.#images = new Images(endpoint, security, options);
  }

  runtime<Request extends object, Response>(
    method: string,
    request: Request,
    timeoutMs: number,
  ): Promise<Response> {
    return call(this.#runtime, method, request, timeoutMs);
  }

  images<Request extends object, Response>(
    method: string,
    request: Request,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<Response> {
    return call(this.#images, method, request, timeoutMs, signal);
  }

  close(): void {
    this.#runtime.close();
    this.#images.close();
  }
}

type Unary = (
  request: object,
  metadata: Metadata,
  options: { deadline: number },
  callback: (error: ServiceError | null, response: unknown) => void,
) => { cancel(): void };

function call<Response>(
  client: Client,
  method: string,
  request: object,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<Response> {
  const unary = (client as unknown as Readonly<Record<string, Unary>>)[method];
  if (unary === undefined) throw new TypeError(`proto/cri/cri.proto has no ${method}`);
  return new Promise((resolve, reject) => {
    const options = { deadline: Date.now() + timeoutMs };
    const running = unary.call(client, request, new Metadata(), options, (error, response) => {
      signal?.removeEventListener('abort', cancel);
      if (error === null) resolve(response as Response);
      else reject(runtimeError(method, error));
    });
    const cancel = (): void => running.cancel();
    if (signal?.aborted === true) cancel();
    else signal?.addEventListener('abort', cancel, { once: true });
  });
}

const codes: Readonly<Partial<Record<grpcStatus, RuntimeErrorCode>>> = {
  [grpcStatus.NOT_FOUND]: 'NotFound',
  [grpcStatus.INVALID_ARGUMENT]: 'InvalidArgument',
  [grpcStatus.FAILED_PRECONDITION]: 'FailedPrecondition',
  [grpcStatus.DEADLINE_EXCEEDED]: 'DeadlineExceeded',
  [grpcStatus.UNAVAILABLE]: 'Unavailable',
};

const runtimeError = (method: string, error: ServiceError): RuntimeError =>
  new RuntimeError(codes[error.code] ?? 'Internal', `${method}: ${error.details}`, { cause: error });
