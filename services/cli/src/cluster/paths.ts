import { join } from 'node:path';

/** What a cluster leaves on disk, under `.raftsman/<name>/`. */
export interface StatePaths {
  readonly root: string;
  readonly kubeconfig: string;
  readonly pki: string;
  readonly logs: string;
  readonly run: string;
  readonly data: string;
  readonly conf: string;
}

export function statePaths(root: string): StatePaths {
  return {
    root,
    kubeconfig: join(root, 'kubeconfig'),
    pki: join(root, 'pki'),
    logs: join(root, 'logs'),
    run: join(root, 'run'),
    data: join(root, 'data'),
    conf: join(root, 'conf'),
  };
}

export const certFile = (paths: StatePaths, name: string): string => join(paths.pki, `${name}.crt`);
export const keyFile = (paths: StatePaths, name: string): string => join(paths.pki, `${name}.key`);
export const logFile = (paths: StatePaths, member: string): string => join(paths.logs, `${member}.log`);
export const pidFile = (paths: StatePaths, member: string): string => join(paths.run, `${member}.pid`);
