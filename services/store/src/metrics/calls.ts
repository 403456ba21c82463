import type { MethodDefinition, UntypedHandleCall, UntypedServiceImplementation } from '@grpc/grpc-js';
import type { Labels, MetricSource } from '@raftsman/telemetry';
import { status, type GrpcService } from '@raftsman/wire';

interface CallCount {
  readonly labels: Labels;
  started: number;
  /** Messages. */
  received: number;
  sent: number;
  /** By status. */
  readonly handled: Map<status, number>;
}

type Method = MethodDefinition<unknown, unknown>;
type Handler = (call: CountedCall, callback?: Callback) => void;
type Callback = (error: { readonly code?: status } | null, ...rest: unknown[]) => void;
interface CountedCall {
  once(event: string, listener: (error: { readonly code?: status }) => void): void;
}

/** How often each call was made, how it ended, and what it carried, whichever way it came. */
export class CallCounts {
  readonly #counts = new Map<string, CallCount>();
  /** Of messages, without what gRPC and HTTP/2 put around them. */
  readonly #bytes = { received: 0, sent: 0 };

  /** The services, counting. */
  count(services: readonly GrpcService[]): readonly GrpcService[] {
    return services.map((service) => {
      const definition = { ...service.definition };
      const implementation: UntypedServiceImplementation = {};
      for (const [name, method] of Object.entries(service.definition)) {
        const handler = service.implementation[name] ?? service.implementation[method.originalName ?? name];
        if (handler === undefined) continue;
        const count: CallCount = {
          labels: labelsOf(method),
          started: 0,
          received: 0,
          sent: 0,
          handled: new Map(),
        };
        this.#counts.set(method.path, count);
        definition[name] = this.#countingMessages(method, count);
        implementation[name] = countingCalls(method, handler, count);
      }
      return { ...service, definition, implementation };
    });
  }

  /** Of the call `/etcdserverpb.Watch/Watch`: those that have not ended. */
  open(path: string): number {
    const count = this.#counts.get(path);
    if (count === undefined) return 0;
    return count.started - [...count.handled.values()].reduce((sum, each) => sum + each, 0);
  }

  handled(path: string, code = status.OK): number {
    return this.#counts.get(path)?.handled.get(code) ?? 0;
  }

  /** grpc-prometheus' names, which etcd has, and its own for the bytes. */
  metrics(): readonly MetricSource[] {
    const counts = this.#counts;
    return [
      {
        name: 'grpc_server_started_total',
        help: 'Total number of RPCs started on the server.',
        type: 'counter',
        *read() {
          for (const { labels, started } of counts.values()) yield [labels, started];
        },
      },
      {
        name: 'grpc_server_msg_received_total',
        help: 'Total number of RPC stream messages received on the server.',
        type: 'counter',
        *read() {
          for (const { labels, received } of counts.values()) yield [labels, received];
        },
      },
      {
        name: 'grpc_server_msg_sent_total',
        help: 'Total number of gRPC stream messages sent by the server.',
        type: 'counter',
        *read() {
          for (const { labels, sent } of counts.values()) yield [labels, sent];
        },
      },
      {
        name: 'etcd_network_client_grpc_received_bytes_total',
        help: 'The total number of bytes received from grpc clients.',
        type: 'counter',
        read: () => this.#bytes.received,
      },
      {
        name: 'etcd_network_client_grpc_sent_bytes_total',
        help: 'The total number of bytes sent to grpc clients.',
        type: 'counter',
        read: () => this.#bytes.sent,
      },
      {
        name: 'grpc_server_handled_total',
        help: 'Total number of RPCs completed on the server, regardless of success or failure.',
        type: 'counter',
        *read() {
          for (const { labels, handled } of counts.values()) {
            if (handled.size === 0) yield [{ ...labels, grpc_code: 'OK' }, 0];
            for (const [code, times] of handled) yield [{ ...labels, grpc_code: nameOf(code) }, times];
          }
        },
      },
    ];
  }

  /** On the way of every call: an addition or two for each message. */
  #countingMessages(method: Method, count: CallCount): Method {
    const { requestDeserialize, responseSerialize } = method;
    const bytes = this.#bytes;
    return {
      ...method,
      requestDeserialize: (message) => {
        bytes.received += message.length;
        count.received += 1;
        return requestDeserialize(message);
      },
      responseSerialize: (response) => {
        const message = responseSerialize(response);
        bytes.sent += message.length;
        count.sent += 1;
        return message;
      },
    };
  }
}

function countingCalls(
  { requestStream, responseStream }: Method,
  handler: UntypedHandleCall,
  count: CallCount,
): UntypedHandleCall {
  const end = (code: status): void => void count.handled.set(code, (count.handled.get(code) ?? 0) + 1);
  const serve = handler as unknown as Handler;
  const unary: Handler = (call, callback) => {
    count.started += 1;
    serve(call, (error, ...rest) => {
      end(error === null ? status.OK : (error.code ?? status.UNKNOWN));
      callback!(error, ...rest);
    });
  };
  const stream: Handler = (call) => {
    count.started += 1;
    let ended = false;
    const once = (code: status): void => {
      if (!ended) end(code);
      ended = true;
    };
    call.once('error', (error) => once(error.code ?? status.UNKNOWN));
    call.once('cancelled', () => once(status.CANCELLED));
    call.once('finish', () => once(status.OK));
    call.once('close', () => once(status.CANCELLED));
    serve(call);
  };
  return (requestStream || responseStream ? stream : unary) as unknown as UntypedHandleCall;
}

function labelsOf({ path, requestStream, responseStream }: Method): Labels {
  const [, service, method] = path.split('/') as [string, string, string];
  const kinds = { '': 'unary', c: 'client_stream', s: 'server_stream', cs: 'bidi_stream' } as const;
  const kind = `${requestStream ? 'c' : ''}${responseStream ? 's' : ''}` as keyof typeof kinds;
  return { grpc_service: service, grpc_method: method, grpc_type: kinds[kind] };
}

/** Go's: `InvalidArgument`. */
const nameOf = (code: status): string =>
  code === status.OK
    ? 'OK'
    : status[code]
        .toLowerCase()
        .replace(/cancelled/, 'canceled')
        .replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
