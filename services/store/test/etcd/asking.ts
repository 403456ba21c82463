import type { status, ServiceError } from '@grpc/grpc-js';
import { clientCredentials, loadService } from '@raftsman/wire';
import { onTestFinished } from 'vitest';
import type { EtcdFaceConfig } from '../../src/etcd/index.js';
import { serveSingleMember, type Serving } from './single-member.js';

/** A member until the end of the test. */
export async function serve(config: Partial<EtcdFaceConfig> = {}): Promise<Serving> {
  const serving = await serveSingleMember(config);
  onTestFinished(() => serving.close());
  return serving;
}

/** A client of one of etcd's services, which the caller closes. */
export function connect<T>({ port }: Serving, service: string): T & { close(): void } {
  const Service = loadService('etcd/rpc.proto', `etcdserverpb.${service}`);
  return new Service(`127.0.0.1:${port}`, clientCredentials('insecure')) as unknown as T & { close(): void };
}

/** A client until the end of the test. */
export function client<T>(serving: Serving, service: string): T {
  const made = connect<T>(serving, service);
  onTestFinished(() => made.close());
  return made;
}

/** The answer, or the refusal as { code, details }. */
export function ask<Response>(
  call: (callback: (error: ServiceError | null, response?: Response) => void) => unknown,
): Promise<Response & { code?: status; details?: string }> {
  return new Promise((resolve) => {
    call((error, response) =>
      resolve((error ? { code: error.code, details: error.details } : response) as never),
    );
  });
}
