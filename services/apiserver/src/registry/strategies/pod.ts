import { qosClassOf, type KubeObject, type Pod } from '@raftsman/api';
import { admitPriority } from '../admission/priority.js';
import { admitNodesPod, admitNodesPodDeletion, admitNodesPodStatus } from '../admission/node-restriction.js';
import { defaultServiceAccount, defaultTolerations } from '../admission/pod-defaults.js';
import type { Strategy } from './strategy.js';

const podOf = (object: KubeObject): Pod => object as unknown as Pod;

export const podStrategy: Strategy = {
  prepareCreate: (object) => {
    object['status'] = { phase: 'Pending', qosClass: qosClassOf(podOf(object).spec) };
  },
  admitCreate: (context, request, object) => {
    const pod = podOf(object);
    admitNodesPod(request.identity, pod);
    defaultServiceAccount(pod);
    admitPriority(pod);
    defaultTolerations(pod, context.tolerations);
  },
  admitUpdate: (_context, request, _object, old) => admitNodesPodStatus(request.identity, podOf(old)),
  admitDelete: (_context, request, object) => admitNodesPodDeletion(request.identity, podOf(object)),
  gracePeriodSeconds: (object, requested) => {
    const pod = podOf(object);
    const { phase } = pod.status ?? {};
    // Nobody runs it, so nobody would confirm its end.
    if ((pod.spec.nodeName ?? '') === '' || phase === 'Succeeded' || phase === 'Failed') return 0;
    const period = requested ?? pod.spec.terminationGracePeriodSeconds ?? 30;
    return period < 0 ? 1 : period;
  },
};
