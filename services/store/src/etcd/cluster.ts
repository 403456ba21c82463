import type { ClusterHandlers } from '@raftsman/proto/gen/etcdserverpb/Cluster.js';
import { memberHeader, type Context } from './context.js';
import { unsupported } from './errors.js';
import { unary } from './unary.js';

/** Membership is read here; changing it while the cluster runs is not supported yet. */
export function createCluster(context: Context): ClusterHandlers {
  const refuse = (what: string) =>
    unary<unknown, never>(context, () => {
      throw unsupported(what);
    });
  return {
    MemberList: unary(context, async ({ linearizable }) => {
      if (linearizable) await context.replica.readIndex();
      return {
        header: memberHeader(context),
        members: context.replica.members().map(({ id, name, peerUrls, clientUrls }) => ({
          ID: id,
          name,
          peerURLs: [...peerUrls],
          clientURLs: [...clientUrls],
        })),
      };
    }),
    MemberAdd: refuse('adding a member'),
    MemberRemove: refuse('removing a member'),
    MemberUpdate: refuse('changing a member'),
    MemberPromote: refuse('promoting a member'),
  };
}
