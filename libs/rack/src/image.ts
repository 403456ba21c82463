import { createHash } from 'node:crypto';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { command, RackError } from './command.js';

/** The images that a rack is built with, since no registry is at hand. */
export const rackImages = {
  /** What a pod's sandbox runs: it sleeps. */
  pause: 'raftsman.local/pause:1',
  /** Debian's busybox-static with a link for each of its commands. */
  busybox: 'docker.io/library/busybox:latest',
} as const;

const busyboxPath = '/bin/busybox';

/** Whether the executable needs no libraries: a dynamic one names its interpreter. */
export const isStatic = (executable: Buffer): boolean =>
  !executable.includes('/ld-linux') && !executable.includes('/ld-musl');

/**
 * Writes an image archive (docker-archive, https://github.com/moby/docker-image-spec) that holds busybox under both names.
 * Needs Debian's busybox-static. Throws RackError.
 */
export function writeBusyboxImages(archive: string): void {
  if (!isStatic(readFileSync(busyboxPath)))
    throw new RackError(`${busyboxPath} is not static: apt-get install busybox-static`);
  const work = mkdtempSync(join(tmpdir(), 'raftsman-image-'));
  try {
    const layer = busyboxLayer(work);
    const diffId = `sha256:${createHash('sha256')
      .update(readFileSync(join(work, layer)))
      .digest('hex')}`;
    const manifest = [
      imageConfig(work, 'pause', rackImages.pause, diffId, ['/bin/sleep', '2147483647']),
      imageConfig(work, 'busybox', rackImages.busybox, diffId, ['/bin/sh']),
    ].map(({ config, tag }) => ({ Config: config, RepoTags: [tag], Layers: [layer] }));
    writeFileSync(join(work, 'manifest.json'), JSON.stringify(manifest));
    command(
      'tar',
      '-C',
      work,
      '-cf',
      archive,
      'manifest.json',
      layer,
      ...manifest.map(({ Config }) => Config),
    );
  } finally {
    rmSync(work, { recursive: true });
  }
}

function busyboxLayer(work: string): string {
  const root = join(work, 'root');
  for (const folder of ['bin', 'etc', 'proc', 'sys', 'dev', 'tmp', 'root'])
    mkdirSync(join(root, folder), { recursive: true });
  copyFileSync(busyboxPath, join(root, 'bin', 'busybox'));
  for (const applet of command(busyboxPath, '--list').split('\n')) {
    if (applet !== '' && applet !== 'busybox') symlinkSync('busybox', join(root, 'bin', applet));
  }
  writeFileSync(
    join(root, 'etc', 'passwd'),
    'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n',
  );
  writeFileSync(join(root, 'etc', 'group'), 'root:x:0:\nnobody:x:65534:\n');
  command(
    'tar',
    '-C',
    root,
    '--sort=name',
    '--mtime=@0',
    '--owner=0',
    '--group=0',
    '--numeric-owner',
    '-cf',
    join(work, 'layer.tar'),
    '.',
  );
  return 'layer.tar';
}

function imageConfig(
  work: string,
  name: string,
  tag: string,
  diffId: string,
  cmd: readonly string[],
): { readonly config: string; readonly tag: string } {
  const config = `${name}.json`;
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const content = {
    architecture,
    os: 'linux',
    created: '1970-01-01T00:00:00Z',
    config: { Env: ['PATH=/bin'], Cmd: cmd, WorkingDir: '/' },
    rootfs: { type: 'layers', diff_ids: [diffId] },
  };
  writeFileSync(join(work, config), JSON.stringify(content));
  return { config, tag };
}
