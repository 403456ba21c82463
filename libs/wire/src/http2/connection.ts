import type { Socket } from 'node:net';
import { FrameReader, type Frame } from './frame-reader.js';
import {
  ConnectionError,
  defaultWindowBytes,
  errorCodes,
  flags,
  frame,
  frameBytesMax,
  frameHeaderBytes,
  frameTypes,
  goAwayFrame,
  resetFrame,
  settingIds,
  settingsAck,
  settingsFrame,
  windowBytesMax,
  windowUpdateFrame,
  writeFrameHeader,
  type ErrorCode,
} from './frames.js';
import { HpackDecoder, HpackError, type HeaderList } from './hpack.js';
import { http2Limits } from './limits.js';
import { messagePrefixBytes, writeMessagePrefix } from './messages.js';
import { SocketWriter } from './socket-writer.js';
import { Http2Stream, type RequestReceiver } from './stream.js';

export interface ConnectionEvents {
  /** A request begins. */
  request(stream: Http2Stream, headers: HeaderList): RequestReceiver;
  closed(connection: Http2Connection): void;
}

/** How many sweeps a client may be silent before it is asked, and before it is given up: so that none is lost because this process stood still. */
export interface Patience {
  readonly sweepsToPing: number;
  readonly sweepsToEnd: number;
}

const greeting = Buffer.concat([
  settingsFrame([
    [settingIds.maxConcurrentStreams, http2Limits.streamsMax],
    [settingIds.initialWindowSize, http2Limits.streamWindowBytes],
    [settingIds.maxHeaderListSize, http2Limits.headerListBytesMax],
  ]),
  windowUpdateFrame(0, http2Limits.connectionWindowBytes - defaultWindowBytes),
]);
const pingFrame = frame(frameTypes.ping, 0, 0, Buffer.from('raftsman'));

/**
 * The server's side of one HTTP/2 connection (RFC 9113) over a socket whose preface is still to be read. What a client does against the protocol
 * ends the connection with a GOAWAY; what it does against one stream resets that.
 *
 */
export class Http2Connection {
  readonly socket: Socket;
  readonly #events: ConnectionEvents;
  readonly #patience: Patience;
  readonly #writer: SocketWriter;
  readonly #reader = new FrameReader();
  readonly #hpack = new HpackDecoder();
  readonly #streams = new Map<number, Http2Stream>();
  /** Those that wait for the connection's window or the socket. */
  readonly #blocked = new Set<Http2Stream>();
  /** Calls whose handlers have not answered, cancelled ones among them. */
  runningCalls = 0;
  #lastStreamId = 0;
  #sendWindow = defaultWindowBytes;
  #receiveWindow: number = http2Limits.connectionWindowBytes;
  #initialSendWindow = defaultWindowBytes;
  #goingAway = false;
  #over = false;
  #idleFrames = 0;
  #silentSweeps = 0;

  constructor(socket: Socket, events: ConnectionEvents, patience: Patience) {
    this.socket = socket;
    this.#events = events;
    this.#patience = patience;
    this.#writer = new SocketWriter(socket, () => this.#pumpBlocked());
    socket.setNoDelay(true);
    socket.on('data', (bytes: Buffer) => this.#receive(bytes));
    socket.on('end', () => this.#end());
    socket.on('error', () => this.#end());
    socket.on('close', () => this.#end());
    this.write(greeting);
    socket.resume();
  }

  /** Takes no more requests, and closes once those that run are answered. */
  goAway(): void {
    if (this.#goingAway) return;
    this.#goingAway = true;
    this.write(goAwayFrame(this.#lastStreamId, errorCodes.noError));
    this.#closeIfDone();
  }

  destroy(): void {
    this.#end();
    this.socket.destroy();
  }

  /** Every now and then: a silent client is asked whether it is there, and given up if it does not answer. */
  sweep(): void {
    this.#idleFrames = 0;
    this.#silentSweeps += 1;
    if (this.#silentSweeps === this.#patience.sweepsToPing) this.write(pingFrame);
    else if (this.#silentSweeps >= this.#patience.sweepsToEnd) this.destroy();
  }

  write(bytes: Buffer): void {
    this.#writer.write(bytes);
  }

  /** False: it has to go piece by piece. */
  answerAtOnce(stream: Http2Stream, headers: Buffer, message: Buffer, trailers: Buffer): boolean {
    const length = messagePrefixBytes + message.length;
    const fits = length <= Math.min(stream.sendWindow, this.#sendWindow, frameBytesMax);
    if (!fits || this.#writer.isFull || stream.hasUnsent) return false;
    stream.sendWindow -= length;
    this.#sendWindow -= length;
    const whole = Buffer.allocUnsafe(3 * frameHeaderBytes + headers.length + length + trailers.length);
    const { id } = stream;
    let at = writeFrameHeader(whole, 0, headers.length, frameTypes.headers, flags.endHeaders, id);
    at += headers.copy(whole, at);
    at = writeFrameHeader(whole, at, length, frameTypes.data, 0, id);
    at = writeMessagePrefix(whole, at, message.length);
    at += message.copy(whole, at);
    const last = flags.endHeaders | flags.endStream;
    at = writeFrameHeader(whole, at, trailers.length, frameTypes.headers, last, id);
    trailers.copy(whole, at);
    this.write(whole);
    this.#localEnd(stream);
    return true;
  }

  /** Sends what the stream has, as far as windows and socket allow. */
  pump(stream: Http2Stream): void {
    while (stream.hasUnsent) {
      const room = Math.min(stream.sendWindow, this.#sendWindow, frameBytesMax);
      if (room <= 0 || this.#writer.isFull) {
        this.#blocked.add(stream);
        return;
      }
      const bytes = stream.take(room);
      if (bytes === null) break;
      stream.sendWindow -= bytes.length;
      this.#sendWindow -= bytes.length;
      const header = Buffer.allocUnsafe(frameHeaderBytes);
      writeFrameHeader(header, 0, bytes.length, frameTypes.data, 0, stream.id);
      this.write(header);
      this.write(bytes);
      stream.sent();
    }
    this.#blocked.delete(stream);
    const trailers = stream.takeTrailers();
    if (trailers === null) return;
    const last = flags.endHeaders | flags.endStream;
    this.write(frame(frameTypes.headers, last, stream.id, trailers));
    this.#localEnd(stream);
  }

  allow(stream: Http2Stream, bytes: number): void {
    stream.receiveWindow += bytes;
    this.write(windowUpdateFrame(stream.id, bytes));
  }

  forget(stream: Http2Stream): void {
    this.#streams.delete(stream.id);
    this.#blocked.delete(stream);
    if (this.#goingAway) this.#closeIfDone();
  }

  #localEnd(stream: Http2Stream): void {
    stream.localEnded = true;
    // The rest of the request is of no use to anybody.
    if (!stream.remoteEnded) this.write(resetFrame(stream.id, errorCodes.noError));
    stream.remoteEnded = true;
    this.forget(stream);
  }

  #pumpBlocked(): void {
    if (this.#sendWindow <= 0 || this.#writer.isFull) return;
    // Those that stay blocked come back in.
    for (const stream of Array.from(this.#blocked)) if (stream.sendWindow > 0) this.pump(stream);
  }

  #receive(bytes: Buffer): void {
    if (this.#over) return;
    this.#silentSweeps = 0;
    try {
      this.#reader.push(bytes);
      for (let next = this.#reader.next(); next !== null && !this.#over; next = this.#reader.next())
        this.#handle(next);
    } catch (error) {
      if (error instanceof ConnectionError) this.#fail(error.code, error.message);
      else if (error instanceof HpackError) this.#fail(errorCodes.compressionError, error.message);
      else throw error;
    }
  }

  #handle(received: Frame): void {
    const { type, streamId, payload } = received;
    switch (type) {
      case frameTypes.data:
        this.#data(received);
        break;
      case frameTypes.headers:
        this.#headers(received);
        break;
      case frameTypes.resetStream:
        this.#idle();
        this.#reset(received);
        break;
      case frameTypes.settings:
        this.#idle();
        this.#settings(received);
        break;
      case frameTypes.ping:
        this.#idle();
        if (streamId !== 0 || payload.length !== 8) throw badSize('ping');
        if (!(received.flags & flags.ack)) this.write(frame(frameTypes.ping, flags.ack, 0, payload));
        break;
      case frameTypes.windowUpdate:
        this.#windowUpdate(received);
        break;
      case frameTypes.pushPromise:
        throw new ConnectionError(errorCodes.protocolError, 'a client does not push');
      case frameTypes.priority:
        this.#idle();
        break;
      default:
        // GOAWAY, and what is not known: the client ends the connection when it is done.
        this.#idle();
    }
  }

  /** Frames that cost work and ask for nothing have a bound between two sweeps. */
  #idle(): void {
    this.#idleFrames += 1;
    if (this.#idleFrames > http2Limits.idleFramesMax)
      throw new ConnectionError(errorCodes.enhanceYourCalm, 'too many frames that ask for nothing');
  }

  #headers({ streamId, payload, flags: frameFlags }: Frame): void {
    const headers = this.#hpack.decode(payload, http2Limits.headerListBytesMax);
    const ended = (frameFlags & flags.endStream) !== 0;
    const known = this.#streams.get(streamId);
    if (known !== undefined) {
      // Trailers, which mean nothing in a request.
      if (!ended) throw new ConnectionError(errorCodes.protocolError, 'headers in the middle of a request');
      this.#remoteEnd(known);
      return;
    }
    if (streamId <= this.#lastStreamId) return this.#idle();
    if (streamId % 2 === 0) throw new ConnectionError(errorCodes.protocolError, 'a stream of an even number');
    this.#lastStreamId = streamId;
    if (this.#goingAway || Math.max(this.#streams.size, this.runningCalls) >= http2Limits.streamsMax) {
      this.write(resetFrame(streamId, errorCodes.refusedStream));
      return;
    }
    const stream = new Http2Stream(this, streamId, this.#initialSendWindow, http2Limits.streamWindowBytes);
    this.#streams.set(streamId, stream);
    stream.receiver = this.#events.request(stream, headers);
    if (ended) this.#remoteEnd(stream);
  }

  #data({ streamId, payload, sizeBytes, flags: frameFlags }: Frame): void {
    this.#receiveWindow -= sizeBytes;
    if (this.#receiveWindow < 0) throw new ConnectionError(errorCodes.flowControlError, 'too much data');
    if (this.#receiveWindow < http2Limits.connectionWindowBytes / 2) {
      // What may pile up is bounded by stream, and all over the server.
      this.write(windowUpdateFrame(0, http2Limits.connectionWindowBytes - this.#receiveWindow));
      this.#receiveWindow = http2Limits.connectionWindowBytes;
    }
    const stream = this.#streams.get(streamId);
    if (stream === undefined || stream.remoteEnded) {
      if (streamId === 0 || streamId > this.#lastStreamId)
        throw new ConnectionError(errorCodes.protocolError, 'data of a stream that was not begun');
      this.#idle();
      return;
    }
    const ended = (frameFlags & flags.endStream) !== 0;
    if (payload.length === 0 && !ended) this.#idle();
    stream.receiveWindow -= sizeBytes;
    if (stream.receiveWindow < 0) return this.#refuse(stream, errorCodes.flowControlError);
    if (sizeBytes > payload.length) stream.allow(sizeBytes - payload.length);
    if (payload.length > 0) stream.receiver?.requestData(payload);
    if (ended) this.#remoteEnd(stream);
  }

  #remoteEnd(stream: Http2Stream): void {
    if (stream.remoteEnded) return;
    stream.remoteEnded = true;
    stream.receiver?.requestEnd();
  }

  #reset({ streamId, payload }: Frame): void {
    if (payload.length !== 4) throw badSize('reset');
    const stream = this.#streams.get(streamId);
    if (stream !== undefined) this.#abandon(stream);
    else if (streamId === 0 || streamId > this.#lastStreamId)
      throw new ConnectionError(errorCodes.protocolError, 'the reset of a stream that was not begun');
  }

  #refuse(stream: Http2Stream, code: ErrorCode): void {
    this.write(resetFrame(stream.id, code));
    this.#abandon(stream);
  }

  #abandon(stream: Http2Stream): void {
    stream.drop();
    this.forget(stream);
    stream.receiver?.abandoned();
  }

  #settings({ streamId, payload, flags: frameFlags }: Frame): void {
    if (streamId !== 0) throw new ConnectionError(errorCodes.protocolError, 'settings of a stream');
    if ((frameFlags & flags.ack) !== 0) return;
    if (payload.length % 6 !== 0) throw badSize('settings');
    for (let at = 0; at < payload.length; at += 6)
      this.#setting(payload.readUInt16BE(at), payload.readUInt32BE(at + 2));
    this.write(settingsAck);
    this.#pumpBlocked();
  }

  #setting(id: number, value: number): void {
    if (id === settingIds.initialWindowSize) {
      if (value > windowBytesMax) throw new ConnectionError(errorCodes.flowControlError, 'window too large');
      const more = value - this.#initialSendWindow;
      this.#initialSendWindow = value;
      for (const stream of this.#streams.values()) stream.sendWindow += more;
    } else if (id === settingIds.maxFrameSize) {
      if (value < frameBytesMax || value >= 2 ** 24)
        throw new ConnectionError(errorCodes.protocolError, 'frame size out of bounds');
      // Larger frames would only make others wait.
    }
  }

  #windowUpdate({ streamId, payload }: Frame): void {
    if (payload.length !== 4) throw badSize('window update');
    const bytes = payload.readUInt32BE(0) & windowBytesMax;
    if (streamId === 0) {
      this.#sendWindow += bytes;
      if (bytes === 0 || this.#sendWindow > windowBytesMax)
        throw new ConnectionError(errorCodes.flowControlError, 'window out of bounds');
      this.#pumpBlocked();
      return;
    }
    const stream = this.#streams.get(streamId);
    if (stream === undefined) {
      if (streamId > this.#lastStreamId)
        throw new ConnectionError(errorCodes.protocolError, 'the window of a stream that was not begun');
      return this.#idle();
    }
    stream.sendWindow += bytes;
    if (bytes === 0 || stream.sendWindow > windowBytesMax)
      return this.#refuse(stream, errorCodes.flowControlError);
    if (this.#blocked.has(stream)) this.pump(stream);
  }

  #fail(code: ErrorCode, message: string): void {
    if (this.#over) return;
    this.write(goAwayFrame(this.#lastStreamId, code, message));
    this.#end();
  }

  #closeIfDone(): void {
    if (this.#streams.size > 0 || this.#over) return;
    this.#end();
  }

  /** Ends the socket after what was written, or at once if that does not go. */
  #end(): void {
    if (this.#over) return;
    this.#over = true;
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    this.#blocked.clear();
    for (const stream of streams) {
      stream.drop();
      stream.receiver?.abandoned();
    }
    this.#writer.close();
    this.#events.closed(this);
  }
}

const badSize = (what: string): ConnectionError =>
  new ConnectionError(errorCodes.frameSizeError, `a ${what} of a wrong size`);
