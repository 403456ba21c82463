import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The name sorts before what a distribution may have put there: the runtime takes the first. */
const cniConfFile = '10-raftsman.conflist';

export interface CniConfig {
  readonly podCidr: string;
  /** Where the addresses that are in use are kept; of this node alone. */
  readonly dataDir: string;
}

/**
 * A node's pod network: a link of its own for each pod with the block's first address at the node's end, host ports by portmap. Not a bridge:
 * answers between two pods of one node would pass the node's Service rules by, unless the kernel has br_netfilter. Pure.
 */
export function cniConflist({ podCidr, dataDir }: CniConfig): string {
  const conflist = {
    cniVersion: '0.4.0',
    name: 'raftsman',
    plugins: [
      {
        type: 'ptp',
        // Towards other pods a pod keeps its address; towards everybody else the node's proxy or firewall masquerades.
        ipMasq: false,
        ipam: {
          type: 'host-local',
          dataDir,
          ranges: [[{ subnet: podCidr }]],
          routes: [{ dst: '0.0.0.0/0' }],
        },
      },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  };
  return `${JSON.stringify(conflist, null, 2)}\n`;
}

/** Writes it if it differs, in one rename: the runtime watches the directory. */
export async function writeCniConfig(directory: string, config: CniConfig): Promise<void> {
  const path = join(directory, cniConfFile);
  const text = cniConflist(config);
  if ((await readFile(path, 'utf8').catch(() => undefined)) === text) return;
  await mkdir(directory, { recursive: true });
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
}
