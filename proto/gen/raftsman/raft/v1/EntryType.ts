// Original file: raft/peer.proto

export const EntryType = {
  NORMAL: 'NORMAL',
  CONFIGURATION: 'CONFIGURATION',
} as const;

export type EntryType =
  | 'NORMAL'
  | 0
  | 'CONFIGURATION'
  | 1

export type EntryType__Output = typeof EntryType[keyof typeof EntryType]
