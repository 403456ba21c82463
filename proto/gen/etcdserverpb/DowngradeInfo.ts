// Original file: etcd/rpc.proto


export interface DowngradeInfo {
  'enabled'?: (boolean);
  'targetVersion'?: (string);
}

export interface DowngradeInfo__Output {
  'enabled': (boolean);
  'targetVersion': (string);
}
