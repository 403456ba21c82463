import { setTimeout as pause } from 'node:timers/promises';
import type { CallOptions, ServiceError, requestCallback } from '@grpc/grpc-js';
import type { Logger } from '@raftsman/telemetry';
import { clientCredentials, type ClientSecurity } from '@raftsman/wire';
import { limits } from '../limits.js';
import { judge } from './etcd-failure.js';
import { closeEtcdMember, createEtcdMember, memberStatus, type EtcdMember } from './etcd-member.js';
import { StorageError } from './storage-error.js';

type Unary<Request, Answer> = (
  member: EtcdMember,
  request: Request,
  options: CallOptions,
  callback: requestCallback<Answer>,
) => void;

export interface EtcdClient {
  readonly members: readonly EtcdMember[];
  /**
   * Asks the members in order of preference until one answers. The request may reach the store more than once, so
   * it must be safe to repeat. Rejects with a StorageError.
   */
  call<Request, Answer>(method: Unary<Request, Answer>, request: Request): Promise<Answer>;
  /** The member to open a stream on: the first that is not suspect. */
  preferred(): EtcdMember;
  /** Takes the member for failed until it answers a probe. */
  suspect(member: EtcdMember): void;
  close(): void;
}

/**
 * A client of the whole store. Members are preferred in the order given, so that an apiserver stays with the member
 * beside it. One that fails an attempt becomes suspect: others are asked first until it answers a probe again.
 */
export function createEtcdClient(options: {
  readonly addresses: readonly string[];
  readonly security: ClientSecurity;
  readonly logger: Logger;
}): EtcdClient {
  const { logger } = options;
  const credentials = clientCredentials(options.security);
  const members = options.addresses.map((address) => createEtcdMember(address, credentials));
  const suspects = new Map<EtcdMember, NodeJS.Timeout>();
  let closed = false;

  const probe = (member: EtcdMember): void => {
    memberStatus(member).then(
      (status) => {
        if (closed) return;
        if (status.leader === '0') return watchOver(member);
        suspects.delete(member);
        logger.info({ member: member.address }, 'etcd member answers again');
      },
      () => {
        if (!closed) watchOver(member);
      },
    );
  };
  const watchOver = (member: EtcdMember): void => {
    suspects.set(member, setTimeout(probe, limits.etcdProbeMs, member).unref());
  };
  const suspect = (member: EtcdMember): void => {
    if (closed || members.length === 1 || suspects.has(member)) return;
    logger.warn({ member: member.address }, 'etcd member does not answer');
    watchOver(member);
  };
  const inOrder = (): readonly EtcdMember[] => [
    ...members.filter((member) => !suspects.has(member)),
    ...members.filter((member) => suspects.has(member)),
  ];

  return {
    members,
    preferred: () => inOrder()[0]!,
    suspect,
    call: async (method, request) => {
      const deadline = Date.now() + limits.etcdCallMs;
      let attemptMs: number = limits.etcdAttemptMs;
      let last: ServiceError | undefined;
      while (!closed) {
        for (const member of inOrder()) {
          if (closed) throw unavailable(last);
          const answer = await attempt(member, method, request, Math.min(deadline, Date.now() + attemptMs));
          if (answer.kind === 'answer') return answer.value;
          last = answer.error;
          const verdict = judge(last);
          if (verdict.kind === 'final') throw verdict.error;
          if (verdict.suspectMember) suspect(member);
          if (Date.now() >= deadline) throw unavailable(last);
        }
        attemptMs = Math.min(attemptMs * 2, limits.etcdAttemptMsMax);
        await pause(limits.etcdRoundPauseMs);
      }
      throw unavailable(last);
    },
    close: () => {
      closed = true;
      for (const timer of suspects.values()) clearTimeout(timer);
      members.forEach(closeEtcdMember);
    },
  };
}

function unavailable(cause: ServiceError | undefined): StorageError {
  return new StorageError('unavailable', `etcd did not answer in time: ${cause?.details ?? 'closed'}`, {
    cause,
  });
}

function attempt<Request, Answer>(
  member: EtcdMember,
  method: Unary<Request, Answer>,
  request: Request,
  deadline: number,
): Promise<
  | { readonly kind: 'answer'; readonly value: Answer }
  | { readonly kind: 'error'; readonly error: ServiceError }
> {
  return new Promise((resolve) => {
    method(member, request, { deadline }, (error, value) => {
      if (error !== null) resolve({ kind: 'error', error });
      else resolve({ kind: 'answer', value: value! });
    });
  });
}
