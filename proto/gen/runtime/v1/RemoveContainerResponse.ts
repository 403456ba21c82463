// Original file: cri/cri.proto


export interface RemoveContainerResponse {
}

export interface RemoveContainerResponse__Output {
}
