// Original file: raftsman/v1/heartbeat.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { Beat as _raftsman_v1_Beat, Beat__Output as _raftsman_v1_Beat__Output } from '../../raftsman/v1/Beat.js';
import type { SendSummary as _raftsman_v1_SendSummary, SendSummary__Output as _raftsman_v1_SendSummary__Output } from '../../raftsman/v1/SendSummary.js';
import type { WatchBeatsRequest as _raftsman_v1_WatchBeatsRequest, WatchBeatsRequest__Output as _raftsman_v1_WatchBeatsRequest__Output } from '../../raftsman/v1/WatchBeatsRequest.js';

export interface HeartbeatsClient extends grpc.Client {
  Send(metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_raftsman_v1_SendSummary__Output>): grpc.ClientWritableStream<_raftsman_v1_Beat>;
  Send(metadata: grpc.Metadata, callback: grpc.requestCallback<_raftsman_v1_SendSummary__Output>): grpc.ClientWritableStream<_raftsman_v1_Beat>;
  Send(options: grpc.CallOptions, callback: grpc.requestCallback<_raftsman_v1_SendSummary__Output>): grpc.ClientWritableStream<_raftsman_v1_Beat>;
  Send(callback: grpc.requestCallback<_raftsman_v1_SendSummary__Output>): grpc.ClientWritableStream<_raftsman_v1_Beat>;
  send(metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_raftsman_v1_SendSummary__Output>): grpc.ClientWritableStream<_raftsman_v1_Beat>;
  send(metadata: grpc.Metadata, callback: grpc.requestCallback<_raftsman_v1_SendSummary__Output>): grpc.ClientWritableStream<_raftsman_v1_Beat>;
  send(options: grpc.CallOptions, callback: grpc.requestCallback<_raftsman_v1_SendSummary__Output>): grpc.ClientWritableStream<_raftsman_v1_Beat>;
  send(callback: grpc.requestCallback<_raftsman_v1_SendSummary__Output>): grpc.ClientWritableStream<_raftsman_v1_Beat>;
  
  Watch(argument: _raftsman_v1_WatchBeatsRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_raftsman_v1_Beat__Output>;
  Watch(argument: _raftsman_v1_WatchBeatsRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_raftsman_v1_Beat__Output>;
  watch(argument: _raftsman_v1_WatchBeatsRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_raftsman_v1_Beat__Output>;
  watch(argument: _raftsman_v1_WatchBeatsRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_raftsman_v1_Beat__Output>;
  
}

export interface HeartbeatsHandlers extends grpc.UntypedServiceImplementation {
  Send: grpc.handleClientStreamingCall<_raftsman_v1_Beat__Output, _raftsman_v1_SendSummary>;
  
  Watch: grpc.handleServerStreamingCall<_raftsman_v1_WatchBeatsRequest__Output, _raftsman_v1_Beat>;
  
}

export interface HeartbeatsDefinition extends grpc.ServiceDefinition {
  Send: MethodDefinition<_raftsman_v1_Beat, _raftsman_v1_SendSummary, _raftsman_v1_Beat__Output, _raftsman_v1_SendSummary__Output>
  Watch: MethodDefinition<_raftsman_v1_WatchBeatsRequest, _raftsman_v1_Beat, _raftsman_v1_WatchBeatsRequest__Output, _raftsman_v1_Beat__Output>
}
