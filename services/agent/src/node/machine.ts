import { readFile, statfs } from 'node:fs/promises';
import { arch, cpus, freemem, hostname, release, totalmem } from 'node:os';

/** What this machine is: read once. */
export interface Machine {
  readonly cpus: number;
  readonly memoryBytes: number;
  /** Of the file system that holds --root-dir. */
  readonly diskBytes: number;
  readonly hostname: string;
  /** Go's name: "amd64", "arm64". */
  readonly architecture: string;
  readonly kernelVersion: string;
  readonly osImage: string;
  readonly machineId: string;
  readonly systemUuid: string;
  readonly bootId: string;
}

/** What is left of it: read again and again. */
export interface Headroom {
  readonly memoryBytes: number;
  readonly diskFraction: number;
  readonly pidFraction: number;
}

const goArchitectures: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' };

export async function readMachine(rootDir: string): Promise<Machine> {
  const disk = await statfs(rootDir);
  const machineId = await firstLine('/etc/machine-id');
  const architecture = arch();
  return {
    cpus: cpus().length,
    memoryBytes: totalmem(),
    diskBytes: disk.blocks * disk.bsize,
    hostname: hostname(),
    architecture: goArchitectures[architecture] ?? architecture,
    kernelVersion: release(),
    osImage: prettyName(await readFile('/etc/os-release', 'utf8').catch(() => '')),
    machineId,
    systemUuid: (await firstLine('/sys/class/dmi/id/product_uuid')) || machineId,
    bootId: await firstLine('/proc/sys/kernel/random/boot_id'),
  };
}

export async function readHeadroom(rootDir: string): Promise<Headroom> {
  const disk = await statfs(rootDir);
  // "0.20 0.18 0.12 1/80 11206": running and all tasks stand fourth.
  const [, , , tasks = ''] = (await firstLine('/proc/loadavg')).split(' ');
  const pidMax = Number(await firstLine('/proc/sys/kernel/pid_max')) || 32_768;
  return {
    memoryBytes: freemem(),
    diskFraction: disk.blocks === 0 ? 1 : disk.bavail / disk.blocks,
    pidFraction: 1 - Number(tasks.split('/')[1] ?? 0) / pidMax,
  };
}

/** Empty where the file is missing or closed to us. */
const firstLine = async (path: string): Promise<string> =>
  (await readFile(path, 'utf8').catch(() => '')).split('\n')[0]!.trim();

const prettyName = (osRelease: string): string =>
  /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(osRelease)?.[1] ?? 'Linux';
