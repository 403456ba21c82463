const mebibyte = 1024 * 1024;

/** Every bound of the HTTP face, with its unit. Those of its connections are libs/wire's. */
export const httpLimits = {
  /** One JSON value of a request: base64 and spaces around the largest gRPC request. */
  jsonBytesPerRequestByte: 2,
  jsonOverheadBytes: mebibyte,
  /** Objects and arrays within each other; a transaction takes four for each one within it. */
  jsonDepthMax: 200,
  /** What all requests together may hold before they are handed over; more are refused as exhausted. */
  bodyBytesTotalMax: 64 * mebibyte,
  /** A response above is written piece by piece, between which others run. */
  jsonSliceBytes: 128 * 1024,
  /** Metadata that one request may pass on. */
  metadataFieldsMax: 32,
} as const;
