// Original file: raft/peer.proto

import type { VoteRequest as _raftsman_raft_v1_VoteRequest, VoteRequest__Output as _raftsman_raft_v1_VoteRequest__Output } from '../../../raftsman/raft/v1/VoteRequest.js';
import type { VoteResponse as _raftsman_raft_v1_VoteResponse, VoteResponse__Output as _raftsman_raft_v1_VoteResponse__Output } from '../../../raftsman/raft/v1/VoteResponse.js';
import type { AppendRequest as _raftsman_raft_v1_AppendRequest, AppendRequest__Output as _raftsman_raft_v1_AppendRequest__Output } from '../../../raftsman/raft/v1/AppendRequest.js';
import type { AppendResponse as _raftsman_raft_v1_AppendResponse, AppendResponse__Output as _raftsman_raft_v1_AppendResponse__Output } from '../../../raftsman/raft/v1/AppendResponse.js';
import type { HeartbeatRequest as _raftsman_raft_v1_HeartbeatRequest, HeartbeatRequest__Output as _raftsman_raft_v1_HeartbeatRequest__Output } from '../../../raftsman/raft/v1/HeartbeatRequest.js';
import type { HeartbeatResponse as _raftsman_raft_v1_HeartbeatResponse, HeartbeatResponse__Output as _raftsman_raft_v1_HeartbeatResponse__Output } from '../../../raftsman/raft/v1/HeartbeatResponse.js';
import type { ProposeRequest as _raftsman_raft_v1_ProposeRequest, ProposeRequest__Output as _raftsman_raft_v1_ProposeRequest__Output } from '../../../raftsman/raft/v1/ProposeRequest.js';
import type { ReadIndexRequest as _raftsman_raft_v1_ReadIndexRequest, ReadIndexRequest__Output as _raftsman_raft_v1_ReadIndexRequest__Output } from '../../../raftsman/raft/v1/ReadIndexRequest.js';
import type { ReadIndexResponse as _raftsman_raft_v1_ReadIndexResponse, ReadIndexResponse__Output as _raftsman_raft_v1_ReadIndexResponse__Output } from '../../../raftsman/raft/v1/ReadIndexResponse.js';
import type { TimeoutNow as _raftsman_raft_v1_TimeoutNow, TimeoutNow__Output as _raftsman_raft_v1_TimeoutNow__Output } from '../../../raftsman/raft/v1/TimeoutNow.js';
import type { WitnessSnapshot as _raftsman_raft_v1_WitnessSnapshot, WitnessSnapshot__Output as _raftsman_raft_v1_WitnessSnapshot__Output } from '../../../raftsman/raft/v1/WitnessSnapshot.js';
import type { Long } from '@grpc/proto-loader';

export interface Message {
  'term'?: (number | string | Long);
  'voteRequest'?: (_raftsman_raft_v1_VoteRequest | null);
  'voteResponse'?: (_raftsman_raft_v1_VoteResponse | null);
  'appendRequest'?: (_raftsman_raft_v1_AppendRequest | null);
  'appendResponse'?: (_raftsman_raft_v1_AppendResponse | null);
  'heartbeatRequest'?: (_raftsman_raft_v1_HeartbeatRequest | null);
  'heartbeatResponse'?: (_raftsman_raft_v1_HeartbeatResponse | null);
  'proposeRequest'?: (_raftsman_raft_v1_ProposeRequest | null);
  'readIndexRequest'?: (_raftsman_raft_v1_ReadIndexRequest | null);
  'readIndexResponse'?: (_raftsman_raft_v1_ReadIndexResponse | null);
  'timeoutNow'?: (_raftsman_raft_v1_TimeoutNow | null);
  'witnessSnapshot'?: (_raftsman_raft_v1_WitnessSnapshot | null);
  'kind'?: "voteRequest"|"voteResponse"|"appendRequest"|"appendResponse"|"heartbeatRequest"|"heartbeatResponse"|"proposeRequest"|"readIndexRequest"|"readIndexResponse"|"timeoutNow"|"witnessSnapshot";
}

export interface Message__Output {
  'term': (string);
  'voteRequest'?: (_raftsman_raft_v1_VoteRequest__Output | null);
  'voteResponse'?: (_raftsman_raft_v1_VoteResponse__Output | null);
  'appendRequest'?: (_raftsman_raft_v1_AppendRequest__Output | null);
  'appendResponse'?: (_raftsman_raft_v1_AppendResponse__Output | null);
  'heartbeatRequest'?: (_raftsman_raft_v1_HeartbeatRequest__Output | null);
  'heartbeatResponse'?: (_raftsman_raft_v1_HeartbeatResponse__Output | null);
  'proposeRequest'?: (_raftsman_raft_v1_ProposeRequest__Output | null);
  'readIndexRequest'?: (_raftsman_raft_v1_ReadIndexRequest__Output | null);
  'readIndexResponse'?: (_raftsman_raft_v1_ReadIndexResponse__Output | null);
  'timeoutNow'?: (_raftsman_raft_v1_TimeoutNow__Output | null);
  'witnessSnapshot'?: (_raftsman_raft_v1_WitnessSnapshot__Output | null);
  'kind'?: "voteRequest"|"voteResponse"|"appendRequest"|"appendResponse"|"heartbeatRequest"|"heartbeatResponse"|"proposeRequest"|"readIndexRequest"|"readIndexResponse"|"timeoutNow"|"witnessSnapshot";
}
