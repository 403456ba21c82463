import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { gatewayFlags, storeFlags } from '../cluster/flags.js';
import { machineFiles, type MachineFiles } from '../cluster/machine-files.js';
import { natsConfFile, type ClusterAt } from '../cluster/members.js';
import { natsConf } from '../cluster/nats-conf.js';
import { certFile, keyFile, statePaths, type StatePaths } from '../cluster/paths.js';
import { prepareState } from '../cluster/prepare.js';
import { UserError } from '../errors.js';
import { addLocationFlags, locate, type LocationOptions } from './location.js';

interface InitOptions extends LocationOptions {
  readonly installDir: string;
}

/** `raftsman init`: certificates and files for a cluster on machines of its own, an archive for each machine. */
export function initCommand(): Command {
  return addLocationFlags(
    new Command('init').description(
      'make the certificates and files of a cluster on real machines, an archive for each',
    ),
  )
    .option(
      '--install-dir <folder>',
      'where the archives will be unpacked on the machines',
      '/var/lib/raftsman',
    )
    .action(async (options: InitOptions) => {
      const at = locate(options);
      if (at.cluster.kind !== 'machines')
        throw new UserError(`${at.cluster.name} needs no init: "raftsman up" starts it here`);
      await prepareState(at);
      const there = statePaths(options.installDir);
      const folder = join(at.paths.root, 'machines');
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      for (const files of machineFiles(at.cluster)) {
        const archive = join(folder, `${files.machine}.tar.gz`);
        writeArchive(at, there, files, archive);
        console.log(
          `${archive}\n  on ${files.machine}: mkdir -p ${there.root} && tar -C ${there.root} -xzf ${files.machine}.tar.gz`,
        );
        console.log(`  then: ${startLine(at, there, files)}`);
      }
      console.log(
        `\nthe administrator's kubeconfig is ${at.paths.kubeconfig}; the authorities' keys in ${at.paths.pki} belong on none of the machines`,
      );
    });
}

function startLine(at: ClusterAt, there: StatePaths, { machine, role }: MachineFiles): string {
  if (role === 'gateway') return `raftsman gateway ${gatewayFlags(at.cluster, there).join(' ')}`;
  const witness = at.cluster.witnesses.find(({ name }) => name === machine);
  if (role === 'witness' && witness !== undefined)
    return `raftsman store ${storeFlags(at.cluster, witness, there, 'new').join(' ')}`;
  return `raftsman ${role} --config=${join(there.root, 'cluster.yaml')} --state-dir=${there.root} --name=${machine}`;
}

function writeArchive(at: ClusterAt, there: StatePaths, files: MachineFiles, archive: string): void {
  const work = mkdtempSync(join(tmpdir(), 'raftsman-init-'));
  try {
    const staged = statePaths(work);
    for (const folder of [staged.pki, staged.conf, staged.logs, staged.run, staged.data])
      mkdirSync(folder, { mode: 0o700 });
    for (const name of files.authorities) copyFileSync(certFile(at.paths, name), certFile(staged, name));
    for (const name of files.identities) {
      copyFileSync(certFile(at.paths, name), certFile(staged, name));
      copyFileSync(keyFile(at.paths, name), keyFile(staged, name));
    }
    const master = at.cluster.masters.find(({ name }) => name === files.machine);
    if (files.natsServer && master !== undefined) {
      writeFileSync(natsConfFile(staged, files.machine), natsConf(at.cluster, master, there));
    }
    copyFileSync(at.configFile, join(work, 'cluster.yaml'));
    execFileSync('tar', ['-C', work, '-czf', archive, '.']);
    chmodSync(archive, 0o600);
  } finally {
    rmSync(work, { recursive: true });
  }
}
