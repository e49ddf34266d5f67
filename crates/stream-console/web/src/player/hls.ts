// The player of HLS as a module of its own, loaded only to play.
// Its light build has all that the media servers here produce: no subtitles, no DRM, no other sound tracks.
// @ts-expect-error: hls.js types its whole build alone.
export { default } from 'hls.js/light';
