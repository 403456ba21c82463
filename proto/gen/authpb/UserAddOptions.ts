// Original file: etcd/auth.proto


export interface UserAddOptions {
  'noPassword'?: (boolean);
}

export interface UserAddOptions__Output {
  'noPassword': (boolean);
}
