export {
  anyBeatSubject,
  beatFromMessage,
  beatSubject,
  decodeBeat,
  encodeBeat,
  heartbeatsService,
  type Beat,
  type Load,
} from './beat.js';
export {
  createFailureDetector,
  type Channel,
  type FailureDetector,
  type FailureDetectorConfig,
  type Transition,
} from './failure-detector.js';
export {
  leaderSubject,
  openLeaderChannel,
  type LeaderBeat,
  type LeaderChannel,
  type LeaderChannelConfig,
} from './leader-channel.js';
export { heartbeatLimits } from './limits.js';
export { receiveBeats, type BeatReceiver, type BeatReceiverConfig } from './receiver.js';
export { startBeatSender, type BeatSenderConfig } from './sender.js';
