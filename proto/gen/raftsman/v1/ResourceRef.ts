// Original file: raftsman/v1/api.proto


export interface ResourceRef {
  'group'?: (string);
  'version'?: (string);
  'resource'?: (string);
  'namespace'?: (string);
  'name'?: (string);
  'subresource'?: (string);
}

export interface ResourceRef__Output {
  'group': (string);
  'version': (string);
  'resource': (string);
  'namespace': (string);
  'name': (string);
  'subresource': (string);
}
