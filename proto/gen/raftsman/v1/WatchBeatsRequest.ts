// Original file: raftsman/v1/heartbeat.proto


export interface WatchBeatsRequest {
}

export interface WatchBeatsRequest__Output {
}
