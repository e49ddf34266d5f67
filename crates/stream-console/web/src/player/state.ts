/**
 * What a player shows:
 * - `loading`: the service has not answered yet.
 * - `starting`: live, and the first picture is on its way.
 * - `live`: it plays.
 * - `waiting`: nobody publishes at the moment; it goes on by itself when somebody does.
 * - `ended`: stopped or expired; the next broadcast has another playback id.
 * - `missing`: there is no such stream.
 * - `unknown`: the service does not answer; what plays goes on.
 * - `no_picture`: live, and the media server hands out no picture.
 * - `unsupported`: this browser cannot play HLS.
 */
export type PlayerState =
  | 'loading'
  | 'starting'
  | 'live'
  | 'waiting'
  | 'ended'
  | 'missing'
  | 'unknown'
  | 'no_picture'
  | 'unsupported';
