// Original file: cri/cri.proto


export interface StopContainerResponse {
}

export interface StopContainerResponse__Output {
}
