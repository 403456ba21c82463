// Original file: cri/cri.proto


export interface RemoveImageResponse {
}

export interface RemoveImageResponse__Output {
}
