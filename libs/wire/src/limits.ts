/** Bounds of every gRPC connection of ours, on both sides. */
export const wireLimits = {
  /** One message; etcd's own clients take up to 2 GiB, a list of 10,000 pods is about 40 MiB. */
  receiveMessageBytesMax: 64 * 1024 * 1024,
  /** HTTP/2 pings: a dead peer is noticed after keepaliveTimeMs + keepaliveTimeoutMs. */
  keepaliveTimeMs: 5_000,
  keepaliveTimeoutMs: 2_000,
  /** Reconnects after a broken connection. */
  reconnectBackoffMinMs: 50,
  reconnectBackoffMaxMs: 1_000,
  /** Connections of one listening socket; more are closed as they come. */
  connectionsMax: 20_000,
  /** Those among them that speak HTTP/1.1; more are answered 503. */
  httpConnectionsMax: 4_096,
  /** A shared port's connection that has not said whether it speaks HTTP/1.1 or HTTP/2, since its last byte. */
  silentConnectionMs: 10_000,
  tlsHandshakeTimeoutMs: 10_000,
  /** Replaced certificate files are looked for at most so often, when a connection is made or taken. */
  certificateCheckMs: 2_000,
  /** HTTP/1.1: how long the headers of a request may take to come, checked every so often. */
  httpHeadersTimeoutMs: 10_000,
  httpCheckIntervalMs: 5_000,
  /** And its body after them; of a stream, each message from its first byte on. */
  httpBodyTimeoutMs: 60_000,
  /** HTTP/1.1 connections on which nothing comes are asked by TCP: a stream whose client is gone has nothing else to end it. */
  httpTcpKeepAliveMs: 60_000,
  /** HTTP/1.1 connections between two requests. */
  httpKeepAliveTimeoutMs: 60_000,
  httpHeaderBytesMax: 16 * 1024,
  /** One request to health or reflection: a name. */
  standardRequestBytesMax: 4 * 1024,
  /** Services of one server that its health tells of, as in grpc-go. */
  healthServicesMax: 100,
} as const;
