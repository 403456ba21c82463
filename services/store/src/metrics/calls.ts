import type { MethodDefinition, UntypedHandleCall } from '@grpc/grpc-js';
import type { Labels, MetricSource } from '@raftsman/telemetry';
import { status, type GrpcService } from '@raftsman/wire';

interface CallCount {
  readonly labels: Labels;
  started: number;
  /** By status. */
  readonly handled: Map<status, number>;
}

type Handler = (call: CountedCall, callback?: Callback) => void;
type Callback = (error: { readonly code?: status } | null, ...rest: unknown[]) => void;
interface CountedCall {
  once(event: string, listener: (error: { readonly code?: status }) => void): void;
}

/** How often each call was made and how it ended, whichever way it came. */
export class CallCounts {
  readonly #counts = new Map<string, CallCount>();

  /** The services, counting. */
  count(services: readonly GrpcService[]): readonly GrpcService[] {
    return services.map((service) => {
      const implementation = Object.fromEntries(
        Object.entries(service.definition).flatMap(([name, method]) => {
          const handler = service.implementation[name] ?? service.implementation[method.originalName ?? name];
          return handler === undefined ? [] : [[name, this.#counting(method, handler)]];
        }),
      );
      return { ...service, implementation };
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

  /** grpc-prometheus' names, which etcd has. */
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

  #counting(method: MethodDefinition<unknown, unknown>, handler: UntypedHandleCall): UntypedHandleCall {
    const count: CallCount = { labels: labelsOf(method), started: 0, handled: new Map() };
    this.#counts.set(method.path, count);
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
    return (method.responseStream || method.requestStream ? stream : unary) as unknown as UntypedHandleCall;
  }
}

function labelsOf({ path, requestStream, responseStream }: MethodDefinition<unknown, unknown>): Labels {
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
