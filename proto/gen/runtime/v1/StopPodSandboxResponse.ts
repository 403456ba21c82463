// Original file: cri/cri.proto


export interface StopPodSandboxResponse {
}

export interface StopPodSandboxResponse__Output {
}
