import { Metadata } from '@raftsman/wire';

const forwardedKey = 'raftsman-forwarded';

/** A member that gets such a call must not pass it on: two members that take each other for the leader would play ping-pong. */
export const isForwarded = (metadata: Metadata): boolean => metadata.get(forwardedKey).length > 0;

/** What a call to the leader carries. Its connection's certificate is the member's, so it counts for nobody: the token says who asks. */
export function forwarded(token: string | undefined): Metadata {
  const sent = new Metadata();
  sent.set(forwardedKey, '1');
  if (token !== undefined) sent.set('token', token);
  return sent;
}
