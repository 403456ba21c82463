import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

/**
 * Container images made without a registry: a rootfs of one static busybox, packed as an OCI image layout in a tar, which
 * `ctr images import` takes.
 */
export interface OciImage {
  /** "docker.io/library/busybox:1.36": with its registry, as containerd names images. */
  readonly name: string;
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  /** Further files by absolute path. */
  readonly files?: Readonly<Record<string, string>>;
}

const busyboxPath = '/bin/busybox';

/** Why images cannot be made here; undefined: they can. */
export function missingForImages(): string | undefined {
  try {
    const elf = readFileSync(busyboxPath);
    // A dynamic executable names its interpreter; in an image without libraries it would not start.
    return elf.includes('/ld-linux')
      ? `${busyboxPath} is not static (apt install busybox-static)`
      : undefined;
  } catch {
    return `${busyboxPath} is missing (apt install busybox-static)`;
  }
}

/** The image layout as a tar, ready to be imported. */
export function buildOciImage(image: OciImage): Buffer {
  const layer = tar(rootfs(image.files ?? {}));
  const config = json({
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    config: {
      Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
      ...(image.entrypoint === undefined ? {} : { Entrypoint: image.entrypoint }),
      Cmd: image.command ?? (image.entrypoint === undefined ? ['/bin/sh'] : []),
    },
    rootfs: { type: 'layers', diff_ids: [digestOf(layer)] },
    history: [{ created_by: 'busybox' }],
  });
  const packed = gzipSync(layer);
  const manifest = json({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: descriptor('application/vnd.oci.image.config.v1+json', config),
    layers: [descriptor('application/vnd.oci.image.layer.v1.tar+gzip', packed)],
  });
  const index = json({
    schemaVersion: 2,
    manifests: [
      {
        ...descriptor('application/vnd.oci.image.manifest.v1+json', manifest),
        annotations: { 'io.containerd.image.name': image.name },
      },
    ],
  });
  const blobs = [config, packed, manifest].map((data): Entry => ({
    path: `blobs/sha256/${digestOf(data).slice('sha256:'.length)}`,
    data,
  }));
  return tar([
    { path: 'oci-layout', data: json({ imageLayoutVersion: '1.0.0' }) },
    { path: 'index.json', data: index },
    ...blobs,
  ]);
}

interface Entry {
  readonly path: string;
  readonly data?: Buffer;
  /** Where a symbolic link leads. */
  readonly link?: string;
  readonly directory?: boolean;
  readonly mode?: number;
}

function rootfs(files: Readonly<Record<string, string>>): readonly Entry[] {
  const applets = execFileSync(busyboxPath, ['--list'], { encoding: 'utf8' }).trim().split('\n');
  return [
    ...['bin', 'dev', 'etc', 'proc', 'root', 'sys'].map((path): Entry => ({ path, directory: true })),
    { path: 'tmp', directory: true, mode: 0o1777 },
    { path: 'bin/busybox', data: readFileSync(busyboxPath), mode: 0o755 },
    ...applets
      .filter((applet) => applet !== 'busybox' && !applet.includes('/'))
      .map((applet): Entry => ({ path: `bin/${applet}`, link: 'busybox' })),
    { path: 'etc/passwd', data: Buffer.from('root:x:0:0:root:/root:/bin/sh\n') },
    { path: 'etc/group', data: Buffer.from('root:x:0:\n') },
    ...Object.entries(files).map(([path, text]): Entry => ({
      path: path.replace(/^\/+/, ''),
      data: Buffer.from(text),
      mode: 0o755,
    })),
  ];
}

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const digestOf = (data: Buffer): string => `sha256:${createHash('sha256').update(data).digest('hex')}`;
const descriptor = (
  mediaType: string,
  data: Buffer,
): { mediaType: string; digest: string; size: number } => ({
  mediaType,
  digest: digestOf(data),
  size: data.length,
});

const blockBytes = 512;

/** POSIX ustar, enough of it for short names. */
function tar(entries: readonly Entry[]): Buffer {
  const blocks = entries.flatMap((entry) => {
    const data = entry.data ?? Buffer.alloc(0);
    return [
      header(entry, data.length),
      data,
      Buffer.alloc((blockBytes - (data.length % blockBytes)) % blockBytes),
    ];
  });
  return Buffer.concat([...blocks, Buffer.alloc(2 * blockBytes)]);
}

function header(entry: Entry, size: number): Buffer {
  const block = Buffer.alloc(blockBytes);
  const name = entry.directory === true ? `${entry.path}/` : entry.path;
  if (Buffer.byteLength(name) > 100) throw new RangeError(`${name}: longer than a tar header takes`);
  const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, '0')}\0`;
  block.write(name, 0);
  block.write(octal(entry.mode ?? (entry.directory === true ? 0o755 : 0o644), 7), 100);
  block.write(octal(0, 7), 108);
  block.write(octal(0, 7), 116);
  block.write(octal(size, 11), 124);
  block.write(octal(0, 11), 136);
  block.write(' '.repeat(8), 148);
  block.write(entry.directory === true ? '5' : entry.link === undefined ? '0' : '2', 156);
  block.write(entry.link ?? '', 157);
  block.write('ustar\0' + '00', 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}
