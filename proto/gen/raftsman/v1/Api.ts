// Original file: raftsman/v1/api.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { CreateRequest as _raftsman_v1_CreateRequest, CreateRequest__Output as _raftsman_v1_CreateRequest__Output } from '../../raftsman/v1/CreateRequest.js';
import type { DeleteCollectionRequest as _raftsman_v1_DeleteCollectionRequest, DeleteCollectionRequest__Output as _raftsman_v1_DeleteCollectionRequest__Output } from '../../raftsman/v1/DeleteCollectionRequest.js';
import type { DeleteRequest as _raftsman_v1_DeleteRequest, DeleteRequest__Output as _raftsman_v1_DeleteRequest__Output } from '../../raftsman/v1/DeleteRequest.js';
import type { GetRequest as _raftsman_v1_GetRequest, GetRequest__Output as _raftsman_v1_GetRequest__Output } from '../../raftsman/v1/GetRequest.js';
import type { ListRequest as _raftsman_v1_ListRequest, ListRequest__Output as _raftsman_v1_ListRequest__Output } from '../../raftsman/v1/ListRequest.js';
import type { Object as _raftsman_v1_Object, Object__Output as _raftsman_v1_Object__Output } from '../../raftsman/v1/Object.js';
import type { ObjectList as _raftsman_v1_ObjectList, ObjectList__Output as _raftsman_v1_ObjectList__Output } from '../../raftsman/v1/ObjectList.js';
import type { PatchRequest as _raftsman_v1_PatchRequest, PatchRequest__Output as _raftsman_v1_PatchRequest__Output } from '../../raftsman/v1/PatchRequest.js';
import type { UpdateRequest as _raftsman_v1_UpdateRequest, UpdateRequest__Output as _raftsman_v1_UpdateRequest__Output } from '../../raftsman/v1/UpdateRequest.js';
import type { WatchEvent as _raftsman_v1_WatchEvent, WatchEvent__Output as _raftsman_v1_WatchEvent__Output } from '../../raftsman/v1/WatchEvent.js';
import type { WatchRequest as _raftsman_v1_WatchRequest, WatchRequest__Output as _raftsman_v1_WatchRequest__Output } from '../../raftsman/v1/WatchRequest.js';

export interface ApiClient extends grpc.Client {
  Create(argument: _raftsman_v1_CreateRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_raftsman_v1_Object__Output>): grpc.ClientUnaryCall;
  Create(argument: _raftsman_v1_CreateRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_raftsman_v1_Object__Output>): grpc.ClientUnaryCall;
  Create(argument: _raftsman_v1_CreateRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_raftsman_v1_Object__Output>): grpc.ClientUnaryCall;
  Create(argument: _raftsman_v1_CreateRequest, callback: grpc.requestCallback<_raftsman_v1_Object__Output>): grpc.ClientUnaryCall;
  create(argument: _raftsman_v1_CreateRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_raftsman_v1_Object__Output>): grpc.ClientUnaryCall;
  create(argument: _raftsman_v1_CreateRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_raftsman_v1_Object__Output>): grpc.ClientUnaryCall;
  create(argument: _raftsman_v1_CreateRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_raftsman_v1_Object__Output>): grpc.ClientUnaryCall;
  create(argument: _raftsman_v1_CreateRequest, callback: grpc.requestCallback<_raftsman_v1_Object__Output>): grpc.ClientUnaryCall;
  
  Delete(argument: _raftsman_v1_DeleteRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_raftsman_v1_Object__Output>): grpc.ClientUnaryCall;
  Delete(argument: _raftsman_v1_DeleteRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_raftsman_v1_Object__Output>): grpc.ClientUnaryCall;
  Delete(argument: _raftsman_v1_DeleteRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_raftsman_v1_Object__Output>): grpc.ClientUnaryCall;
  Delete(argument: _raftsman_v1_DeleteRequest, callback: grpc.requestCallback<_raftsman_v1_Object__Output>): grpc.ClientUnaryCall;
  delete(argument: _raftsman_v1_DeleteRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_raftsman_v1_Object__Output>): grpc.ClientUnaryCall;
  delete(argument: _raftsman_v1_DeleteRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_raftsman_v1_Object__Output>): grpc.ClientUnaryCall;
  delete(argument: _raftsman_v1_DeleteRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_raftsman_v1_Object__Output>): grpc.ClientUnaryCall;
  delete(argument: _raftsman_v1_DeleteRequest, callback: grpc.requestCallback<_raftsman_v1_Object__Output>): grpc.ClientUnaryCall;
  
  DeleteCollection(argument: _raftsman_v1_DeleteCollectionRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_raftsman_v1_ObjectList__Output>): grpc.ClientUnaryCall;
  DeleteCollection(argument: _raftsman_v1_DeleteCollectionRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_raftsman_v1_ObjectList__Output>): grpc.ClientUnaryCall;
  DeleteCollection(argument: _raftsman_v1_DeleteCollectionRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_raftsman_v1_ObjectList__Output>): grpc.ClientUnaryCall;
  DeleteCollection(argument: _raftsman_v1_DeleteCollectionRequest, callback: grpc.requestCallback<_raftsman_v1_ObjectList__Output>): grpc.ClientUnaryCall;
  deleteCollection(argument: _raftsman_v1_DeleteCollectionRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_raftsman_v1_ObjectList__Output>): grpc.ClientUnaryCall;
  deleteCollection(argument: _raftsman_v1_DeleteCollectionRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_raftsman_v1_ObjectList__Output>): grpc.ClientUnaryCall;
  deleteCollection(argument: _raftsman_v1_DeleteCollectionRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_raftsman_v1_ObjectList__Output>): grpc.ClientUnaryCall;
  deleteCollection(argument: _raftsman_v1_DeleteCollectionRequest, callback: grpc.requestCallback<_raftsman_v1_ObjectList__Output>): grpc.ClientUnaryCall;
  
  Get(argument: _raftsman_v1_GetRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_raftsman_v1_Object__Output>): grpc.ClientUnaryCall;
  Get(argument: _raftsman_v1_GetRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_raftsman_v1_Object__Output>): grpc.ClientUnaryCall;
  Get(argument: _raftsman_v1_GetRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_raftsman_v1_Object__Output>): grpc.ClientUnaryCall;
  Get(argument: _raftsman_v1_GetRequest, callback: grpc.requestCallback<_raftsman_v1_Object__Output>): grpc.ClientUnaryCall;
  get(argument: _raftsman_v1_GetRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_raftsman_v1_Object__Output>): grpc.ClientUnaryCall;
  get(argument: _raftsman_v1_GetRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_raftsman_v1_Object__Output>): grpc.ClientUnaryCall;
  get(argument: _raftsman_v1_GetRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_raftsman_v1_Object__Output>): grpc.ClientUnaryCall;
  get(argument: _raftsman_v1_GetRequest, callback: grpc.requestCallback<_raftsman_v1_Object__Output>): grpc.ClientUnaryCall;
  
  List(argument: _raftsman_v1_ListRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_raftsman_v1_ObjectList__Output>): grpc.ClientUnaryCall;
  List(argument: _raftsman_v1_ListRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_raftsman_v1_ObjectList__Output>): grpc.ClientUnaryCall;
  List(argument: _raftsman_v1_ListRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_raftsman_v1_ObjectList__Output>): grpc.ClientUnaryCall;
  List(argument: _raftsman_v1_ListRequest, callback: grpc.requestCallback<_raftsman_v1_ObjectList__Output>): grpc.ClientUnaryCall;
  list(argument: _raftsman_v1_ListRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_raftsman_v1_ObjectList__Output>): grpc.ClientUnaryCall;
  list(argument: _raftsman_v1_ListRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_raftsman_v1_ObjectList__Output>): grpc.ClientUnaryCall;
  list(argument: _raftsman_v1_ListRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_raftsman_v1_ObjectList__Output>): grpc.ClientUnaryCall;
  list(argument: _raftsman_v1_ListRequest, callback: grpc.requestCallback<_raftsman_v1_ObjectList__Output>): grpc.ClientUnaryCall;
  
  Patch(argument: _raftsman_v1_PatchRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_raftsman_v1_Object__Output>): grpc.ClientUnaryCall;
  Patch(argument: _raftsman_v1_PatchRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_raftsman_v1_Object__Output>): grpc.ClientUnaryCall;
  Patch(argument: _raftsman_v1_PatchRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_raftsman_v1_Object__Output>): grpc.ClientUnaryCall;
  Patch(argument: _raftsman_v1_PatchRequest, callback: grpc.requestCallback<_raftsman_v1_Object__Output>): grpc.ClientUnaryCall;
  patch(argument: _raftsman_v1_PatchRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_raftsman_v1_Object__Output>): grpc.ClientUnaryCall;
  patch(argument: _raftsman_v1_PatchRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_raftsman_v1_Object__Output>): grpc.ClientUnaryCall;
  patch(argument: _raftsman_v1_PatchRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_raftsman_v1_Object__Output>): grpc.ClientUnaryCall;
  patch(argument: _raftsman_v1_PatchRequest, callback: grpc.requestCallback<_raftsman_v1_Object__Output>): grpc.ClientUnaryCall;
  
  Update(argument: _raftsman_v1_UpdateRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_raftsman_v1_Object__Output>): grpc.ClientUnaryCall;
  Update(argument: _raftsman_v1_UpdateRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_raftsman_v1_Object__Output>): grpc.ClientUnaryCall;
  Update(argument: _raftsman_v1_UpdateRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_raftsman_v1_Object__Output>): grpc.ClientUnaryCall;
  Update(argument: _raftsman_v1_UpdateRequest, callback: grpc.requestCallback<_raftsman_v1_Object__Output>): grpc.ClientUnaryCall;
  update(argument: _raftsman_v1_UpdateRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_raftsman_v1_Object__Output>): grpc.ClientUnaryCall;
  update(argument: _raftsman_v1_UpdateRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_raftsman_v1_Object__Output>): grpc.ClientUnaryCall;
  update(argument: _raftsman_v1_UpdateRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_raftsman_v1_Object__Output>): grpc.ClientUnaryCall;
  update(argument: _raftsman_v1_UpdateRequest, callback: grpc.requestCallback<_raftsman_v1_Object__Output>): grpc.ClientUnaryCall;
  
  Watch(argument: _raftsman_v1_WatchRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_raftsman_v1_WatchEvent__Output>;
  Watch(argument: _raftsman_v1_WatchRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_raftsman_v1_WatchEvent__Output>;
  watch(argument: _raftsman_v1_WatchRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_raftsman_v1_WatchEvent__Output>;
  watch(argument: _raftsman_v1_WatchRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_raftsman_v1_WatchEvent__Output>;
  
}

export interface ApiHandlers extends grpc.UntypedServiceImplementation {
  Create: grpc.handleUnaryCall<_raftsman_v1_CreateRequest__Output, _raftsman_v1_Object>;
  
  Delete: grpc.handleUnaryCall<_raftsman_v1_DeleteRequest__Output, _raftsman_v1_Object>;
  
  DeleteCollection: grpc.handleUnaryCall<_raftsman_v1_DeleteCollectionRequest__Output, _raftsman_v1_ObjectList>;
  
  Get: grpc.handleUnaryCall<_raftsman_v1_GetRequest__Output, _raftsman_v1_Object>;
  
  List: grpc.handleUnaryCall<_raftsman_v1_ListRequest__Output, _raftsman_v1_ObjectList>;
  
  Patch: grpc.handleUnaryCall<_raftsman_v1_PatchRequest__Output, _raftsman_v1_Object>;
  
  Update: grpc.handleUnaryCall<_raftsman_v1_UpdateRequest__Output, _raftsman_v1_Object>;
  
  Watch: grpc.handleServerStreamingCall<_raftsman_v1_WatchRequest__Output, _raftsman_v1_WatchEvent>;
  
}

export interface ApiDefinition extends grpc.ServiceDefinition {
  Create: MethodDefinition<_raftsman_v1_CreateRequest, _raftsman_v1_Object, _raftsman_v1_CreateRequest__Output, _raftsman_v1_Object__Output>
  Delete: MethodDefinition<_raftsman_v1_DeleteRequest, _raftsman_v1_Object, _raftsman_v1_DeleteRequest__Output, _raftsman_v1_Object__Output>
  DeleteCollection: MethodDefinition<_raftsman_v1_DeleteCollectionRequest, _raftsman_v1_ObjectList, _raftsman_v1_DeleteCollectionRequest__Output, _raftsman_v1_ObjectList__Output>
  Get: MethodDefinition<_raftsman_v1_GetRequest, _raftsman_v1_Object, _raftsman_v1_GetRequest__Output, _raftsman_v1_Object__Output>
  List: MethodDefinition<_raftsman_v1_ListRequest, _raftsman_v1_ObjectList, _raftsman_v1_ListRequest__Output, _raftsman_v1_ObjectList__Output>
  Patch: MethodDefinition<_raftsman_v1_PatchRequest, _raftsman_v1_Object, _raftsman_v1_PatchRequest__Output, _raftsman_v1_Object__Output>
  Update: MethodDefinition<_raftsman_v1_UpdateRequest, _raftsman_v1_Object, _raftsman_v1_UpdateRequest__Output, _raftsman_v1_Object__Output>
  Watch: MethodDefinition<_raftsman_v1_WatchRequest, _raftsman_v1_WatchEvent, _raftsman_v1_WatchRequest__Output, _raftsman_v1_WatchEvent__Output>
}
