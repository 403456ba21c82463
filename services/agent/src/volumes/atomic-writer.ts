import {
  chmod,
  chown,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';

export interface PayloadFile {
  readonly data: Buffer;
  readonly mode: number;
}
/** By relative path. */
export type Payload = ReadonlyMap<string, PayloadFile>;

/** A path of a volume's item that stays inside the volume. */
export const isSafePath = (path: string): boolean =>
  path !== '' && !posix.isAbsolute(path) && !path.split('/').includes('..') && !path.startsWith('..');

/**
 * Makes a directory show `payload`, all of it at once: the files live in a directory of their own, `..data` leads there, and
 * the names that users see lead through `..data`, so that replacing that one link replaces every file. Nothing is
 * written if nothing changed. This is the layout that programs that watch Kubernetes volumes expect.
 */
export async function writePayload(directory: string, payload: Payload, gid?: number): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o755 });
  const current = await readlink(join(directory, '..data')).catch(() => undefined);
  if (current !== undefined && (await holds(join(directory, current), payload))) return;
  const next = `..${Date.now()}_${process.hrtime.bigint()}`;
  await mkdir(join(directory, next), { mode: 0o755 });
  for (const [path, { data, mode }] of payload) {
    const file = join(directory, next, path);
    await mkdir(dirname(file), { recursive: true, mode: 0o755 });
    await writeFile(file, data);
    await chmod(file, mode);
    if (gid !== undefined) await chown(file, -1, gid);
  }
  await symlink(next, join(directory, '..data_tmp'));
  await rename(join(directory, '..data_tmp'), join(directory, '..data'));
  await linkNames(directory, payload);
  if (current !== undefined) await rm(join(directory, current), { recursive: true, force: true });
}

async function linkNames(directory: string, payload: Payload): Promise<void> {
  const names = new Set([...payload.keys()].map((path) => path.split('/')[0]!));
  const present = (await readdir(directory)).filter((name) => !name.startsWith('..'));
  for (const name of present) if (!names.has(name)) await rm(join(directory, name), { force: true });
  for (const name of names)
    if (!present.includes(name)) await symlink(join('..data', name), join(directory, name));
}

async function holds(directory: string, payload: Payload): Promise<boolean> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => undefined);
  if (entries === undefined || entries.filter((entry) => entry.isFile()).length !== payload.size)
    return false;
  for (const [path, { data }] of payload) {
    const written = await readFile(join(directory, path)).catch(() => undefined);
    if (written === undefined || !written.equals(data)) return false;
  }
  return true;
}
