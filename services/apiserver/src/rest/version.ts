import { arch, platform } from 'node:process';

const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64', arm: 'arm' };

/** /version: the Kubernetes whose API this is. */
export const version = {
  major: '1',
  minor: '35',
  gitVersion: 'v1.35.0+raftsman',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: '',
  compiler: '',
  platform: `${platform}/${architectures[arch] ?? arch}`,
} as const;
