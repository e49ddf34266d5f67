import type Hls from 'hls.js';

/** How long to wait before a playlist is asked for again, in milliseconds: it is 404 until its first fragment is complete. */
const PLAYLIST_PAUSE = 1000;

/** How long to wait before a player that gave up is made anew, in milliseconds. */
const RESTART_PAUSE = 2000;

/** After how many looks in vain at a playlist there is probably something wrong: longer than any encoder's key frames. */
const PATIENCE = 20;

const HLS_TYPE = 'application/vnd.apple.mpegurl';

/** Plays a playlist in a video element for as long as it is there, and begins again after every failure. */
export class Picture {
  readonly #video: HTMLVideoElement;
  readonly #stopped = new AbortController();
  readonly #module: string;
  readonly #onTrouble: (trouble: 'no_picture' | 'unsupported' | null) => void;
  #hls: Hls | undefined;

  /**
   * @param module where `hls.js` is loaded from, if the browser needs it
   * @param onTrouble is told why there is no picture, and `null` once there is one
   */
  constructor(
    video: HTMLVideoElement,
    playlist: string,
    module: string,
    onTrouble: (trouble: 'no_picture' | 'unsupported' | null) => void,
  ) {
    this.#video = video;
    this.#module = module;
    this.#onTrouble = onTrouble;
    video.addEventListener('playing', () => onTrouble(null), { signal: this.#stopped.signal });
    void this.#play(playlist);
  }

  /** Takes the picture away. */
  stop(): void {
    this.#stopped.abort();
    this.#hls?.destroy();
    this.#video.removeAttribute('src');
    this.#video.load();
  }

  async #play(playlist: string): Promise<void> {
    const { signal } = this.#stopped;
    for (let looks = 1; !(await isThere(playlist, signal)); looks += 1) {
      if (signal.aborted) return;
      if (looks === PATIENCE) this.#onTrouble('no_picture');
      await pause(PLAYLIST_PAUSE);
    }
    const again = () => {
      this.#hls?.destroy();
      this.#hls = undefined;
      void pause(RESTART_PAUSE).then(() => (signal.aborted ? undefined : this.#play(playlist)));
    };
    // hls.js first: Chrome's own player gives up on playlists with fewer than three fragments.
    if ('MediaSource' in window || 'ManagedMediaSource' in window) {
      const loaded: { default: typeof Hls } | null = await import(this.#module).catch(() => null);
      if (signal.aborted) return;
      if (!loaded) return again();
      const hls = new loaded.default({ enableWorker: false });
      this.#hls = hls;
      hls.on(loaded.default.Events.ERROR, (_, error) => error.fatal && again());
      hls.loadSource(playlist);
      hls.attachMedia(this.#video);
    } else if (this.#video.canPlayType(HLS_TYPE)) {
      this.#video.addEventListener('error', again, { once: true, signal });
      this.#video.src = playlist;
    } else {
      this.#onTrouble('unsupported');
    }
    // Muted playback may begin without a click; where it may not, the controls are there.
    void this.#video.play().catch(() => {});
  }
}

async function isThere(playlist: string, signal: AbortSignal): Promise<boolean> {
  try {
    return (await fetch(playlist, { signal, cache: 'no-store' })).ok;
  } catch {
    return false;
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((done) => setTimeout(done, milliseconds));
}
