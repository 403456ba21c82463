// Original file: raftsman/v1/api.proto


export interface WriteOptions {
  'dryRun'?: (string)[];
  'fieldManager'?: (string);
  'fieldValidation'?: (string);
  'force'?: (boolean);
}

export interface WriteOptions__Output {
  'dryRun': (string)[];
  'fieldManager': (string);
  'fieldValidation': (string);
  'force': (boolean);
}
