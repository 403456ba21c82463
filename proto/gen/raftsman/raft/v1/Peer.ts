// Original file: raft/peer.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { ForwardedAnswer as _raftsman_raft_v1_ForwardedAnswer, ForwardedAnswer__Output as _raftsman_raft_v1_ForwardedAnswer__Output } from '../../../raftsman/raft/v1/ForwardedAnswer.js';
import type { ForwardedCall as _raftsman_raft_v1_ForwardedCall, ForwardedCall__Output as _raftsman_raft_v1_ForwardedCall__Output } from '../../../raftsman/raft/v1/ForwardedCall.js';
import type { MembersRequest as _raftsman_raft_v1_MembersRequest, MembersRequest__Output as _raftsman_raft_v1_MembersRequest__Output } from '../../../raftsman/raft/v1/MembersRequest.js';
import type { MembersResponse as _raftsman_raft_v1_MembersResponse, MembersResponse__Output as _raftsman_raft_v1_MembersResponse__Output } from '../../../raftsman/raft/v1/MembersResponse.js';
import type { SnapshotFrame as _raftsman_raft_v1_SnapshotFrame, SnapshotFrame__Output as _raftsman_raft_v1_SnapshotFrame__Output } from '../../../raftsman/raft/v1/SnapshotFrame.js';
import type { SnapshotPositionRequest as _raftsman_raft_v1_SnapshotPositionRequest, SnapshotPositionRequest__Output as _raftsman_raft_v1_SnapshotPositionRequest__Output } from '../../../raftsman/raft/v1/SnapshotPositionRequest.js';
import type { SnapshotPositionResponse as _raftsman_raft_v1_SnapshotPositionResponse, SnapshotPositionResponse__Output as _raftsman_raft_v1_SnapshotPositionResponse__Output } from '../../../raftsman/raft/v1/SnapshotPositionResponse.js';
import type { SnapshotReceipt as _raftsman_raft_v1_SnapshotReceipt, SnapshotReceipt__Output as _raftsman_raft_v1_SnapshotReceipt__Output } from '../../../raftsman/raft/v1/SnapshotReceipt.js';

export interface PeerClient extends grpc.Client {
  Forward(argument: _raftsman_raft_v1_ForwardedCall, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_raftsman_raft_v1_ForwardedAnswer__Output>): grpc.ClientUnaryCall;
  Forward(argument: _raftsman_raft_v1_ForwardedCall, metadata: grpc.Metadata, callback: grpc.requestCallback<_raftsman_raft_v1_ForwardedAnswer__Output>): grpc.ClientUnaryCall;
  Forward(argument: _raftsman_raft_v1_ForwardedCall, options: grpc.CallOptions, callback: grpc.requestCallback<_raftsman_raft_v1_ForwardedAnswer__Output>): grpc.ClientUnaryCall;
  Forward(argument: _raftsman_raft_v1_ForwardedCall, callback: grpc.requestCallback<_raftsman_raft_v1_ForwardedAnswer__Output>): grpc.ClientUnaryCall;
  forward(argument: _raftsman_raft_v1_ForwardedCall, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_raftsman_raft_v1_ForwardedAnswer__Output>): grpc.ClientUnaryCall;
  forward(argument: _raftsman_raft_v1_ForwardedCall, metadata: grpc.Metadata, callback: grpc.requestCallback<_raftsman_raft_v1_ForwardedAnswer__Output>): grpc.ClientUnaryCall;
  forward(argument: _raftsman_raft_v1_ForwardedCall, options: grpc.CallOptions, callback: grpc.requestCallback<_raftsman_raft_v1_ForwardedAnswer__Output>): grpc.ClientUnaryCall;
  forward(argument: _raftsman_raft_v1_ForwardedCall, callback: grpc.requestCallback<_raftsman_raft_v1_ForwardedAnswer__Output>): grpc.ClientUnaryCall;
  
  InstallSnapshot(metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_raftsman_raft_v1_SnapshotReceipt__Output>): grpc.ClientWritableStream<_raftsman_raft_v1_SnapshotFrame>;
  InstallSnapshot(metadata: grpc.Metadata, callback: grpc.requestCallback<_raftsman_raft_v1_SnapshotReceipt__Output>): grpc.ClientWritableStream<_raftsman_raft_v1_SnapshotFrame>;
  InstallSnapshot(options: grpc.CallOptions, callback: grpc.requestCallback<_raftsman_raft_v1_SnapshotReceipt__Output>): grpc.ClientWritableStream<_raftsman_raft_v1_SnapshotFrame>;
  InstallSnapshot(callback: grpc.requestCallback<_raftsman_raft_v1_SnapshotReceipt__Output>): grpc.ClientWritableStream<_raftsman_raft_v1_SnapshotFrame>;
  installSnapshot(metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_raftsman_raft_v1_SnapshotReceipt__Output>): grpc.ClientWritableStream<_raftsman_raft_v1_SnapshotFrame>;
  installSnapshot(metadata: grpc.Metadata, callback: grpc.requestCallback<_raftsman_raft_v1_SnapshotReceipt__Output>): grpc.ClientWritableStream<_raftsman_raft_v1_SnapshotFrame>;
  installSnapshot(options: grpc.CallOptions, callback: grpc.requestCallback<_raftsman_raft_v1_SnapshotReceipt__Output>): grpc.ClientWritableStream<_raftsman_raft_v1_SnapshotFrame>;
  installSnapshot(callback: grpc.requestCallback<_raftsman_raft_v1_SnapshotReceipt__Output>): grpc.ClientWritableStream<_raftsman_raft_v1_SnapshotFrame>;
  
  Members(argument: _raftsman_raft_v1_MembersRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_raftsman_raft_v1_MembersResponse__Output>): grpc.ClientUnaryCall;
  Members(argument: _raftsman_raft_v1_MembersRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_raftsman_raft_v1_MembersResponse__Output>): grpc.ClientUnaryCall;
  Members(argument: _raftsman_raft_v1_MembersRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_raftsman_raft_v1_MembersResponse__Output>): grpc.ClientUnaryCall;
  Members(argument: _raftsman_raft_v1_MembersRequest, callback: grpc.requestCallback<_raftsman_raft_v1_MembersResponse__Output>): grpc.ClientUnaryCall;
  members(argument: _raftsman_raft_v1_MembersRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_raftsman_raft_v1_MembersResponse__Output>): grpc.ClientUnaryCall;
  members(argument: _raftsman_raft_v1_MembersRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_raftsman_raft_v1_MembersResponse__Output>): grpc.ClientUnaryCall;
  members(argument: _raftsman_raft_v1_MembersRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_raftsman_raft_v1_MembersResponse__Output>): grpc.ClientUnaryCall;
  members(argument: _raftsman_raft_v1_MembersRequest, callback: grpc.requestCallback<_raftsman_raft_v1_MembersResponse__Output>): grpc.ClientUnaryCall;
  
  SnapshotPosition(argument: _raftsman_raft_v1_SnapshotPositionRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_raftsman_raft_v1_SnapshotPositionResponse__Output>): grpc.ClientUnaryCall;
  SnapshotPosition(argument: _raftsman_raft_v1_SnapshotPositionRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_raftsman_raft_v1_SnapshotPositionResponse__Output>): grpc.ClientUnaryCall;
  SnapshotPosition(argument: _raftsman_raft_v1_SnapshotPositionRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_raftsman_raft_v1_SnapshotPositionResponse__Output>): grpc.ClientUnaryCall;
  SnapshotPosition(argument: _raftsman_raft_v1_SnapshotPositionRequest, callback: grpc.requestCallback<_raftsman_raft_v1_SnapshotPositionResponse__Output>): grpc.ClientUnaryCall;
  snapshotPosition(argument: _raftsman_raft_v1_SnapshotPositionRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_raftsman_raft_v1_SnapshotPositionResponse__Output>): grpc.ClientUnaryCall;
  snapshotPosition(argument: _raftsman_raft_v1_SnapshotPositionRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_raftsman_raft_v1_SnapshotPositionResponse__Output>): grpc.ClientUnaryCall;
  snapshotPosition(argument: _raftsman_raft_v1_SnapshotPositionRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_raftsman_raft_v1_SnapshotPositionResponse__Output>): grpc.ClientUnaryCall;
  snapshotPosition(argument: _raftsman_raft_v1_SnapshotPositionRequest, callback: grpc.requestCallback<_raftsman_raft_v1_SnapshotPositionResponse__Output>): grpc.ClientUnaryCall;
  
}

export interface PeerHandlers extends grpc.UntypedServiceImplementation {
  Forward: grpc.handleUnaryCall<_raftsman_raft_v1_ForwardedCall__Output, _raftsman_raft_v1_ForwardedAnswer>;
  
  InstallSnapshot: grpc.handleClientStreamingCall<_raftsman_raft_v1_SnapshotFrame__Output, _raftsman_raft_v1_SnapshotReceipt>;
  
  Members: grpc.handleUnaryCall<_raftsman_raft_v1_MembersRequest__Output, _raftsman_raft_v1_MembersResponse>;
  
  SnapshotPosition: grpc.handleUnaryCall<_raftsman_raft_v1_SnapshotPositionRequest__Output, _raftsman_raft_v1_SnapshotPositionResponse>;
  
}

export interface PeerDefinition extends grpc.ServiceDefinition {
  Forward: MethodDefinition<_raftsman_raft_v1_ForwardedCall, _raftsman_raft_v1_ForwardedAnswer, _raftsman_raft_v1_ForwardedCall__Output, _raftsman_raft_v1_ForwardedAnswer__Output>
  InstallSnapshot: MethodDefinition<_raftsman_raft_v1_SnapshotFrame, _raftsman_raft_v1_SnapshotReceipt, _raftsman_raft_v1_SnapshotFrame__Output, _raftsman_raft_v1_SnapshotReceipt__Output>
  Members: MethodDefinition<_raftsman_raft_v1_MembersRequest, _raftsman_raft_v1_MembersResponse, _raftsman_raft_v1_MembersRequest__Output, _raftsman_raft_v1_MembersResponse__Output>
  SnapshotPosition: MethodDefinition<_raftsman_raft_v1_SnapshotPositionRequest, _raftsman_raft_v1_SnapshotPositionResponse, _raftsman_raft_v1_SnapshotPositionRequest__Output, _raftsman_raft_v1_SnapshotPositionResponse__Output>
}
