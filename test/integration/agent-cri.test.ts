import { createLogger } from '@raftsman/telemetry';
import { expect } from 'vitest';
import { writeCniConfig } from '../../services/agent/src/runtime/cri/cni.js';
import { CriRuntime } from '../../services/agent/src/runtime/cri/cri-runtime.js';
import { describeRuntime } from '../../services/agent/test/runtime-conformance.js';
import { eventually } from '../../services/agent/test/support.js';
import { busyboxImage, missingForContainerd, startContainerd } from './agent-containerd.js';

const logger = createLogger({ component: 'test', level: 'silent' });
describeRuntime(
  'cri',
  async () => {
    const containerd = await startContainerd();
    await writeCniConfig(containerd.cniConfDir, {
      podCidr: '10.251.7.0/24',
      dataDir: containerd.cniDataDir,
    });
    const runtime = await CriRuntime.connect({ endpoint: containerd.endpoint, logger });
    await runtime.updateRuntimeConfig({ podCidr: '10.251.7.0/24' });
    await eventually(async () => {
      expect((await runtime.status()).every(({ status }) => status)).toBe(true);
    });
    return {
      runtime,
      image: busyboxImage.name,
      stop: async () => {
        for (const { id } of await runtime.listPodSandboxes()) {
          await runtime.stopPodSandbox(id);
          await runtime.removePodSandbox(id);
        }
        await runtime.close();
        await containerd.stop();
      },
    };
  },
  missingForContainerd(),
);
