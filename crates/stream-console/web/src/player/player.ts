import { Picture } from './picture.ts';
import type { PlayerState } from './state.ts';

/** How often the service is asked whether the broadcast goes on, in milliseconds. */
const POLL = 2000;

/** The public fields of a stream that a player needs. */
interface Shown {
  live: boolean;
  hls_url: string;
}

/**
 * Plays one stream: asks the service whether it is live, shows its picture while it is, and says honestly what is going on.
 *
 * A player of HLS cannot tell a pause from the end, so the service is asked every two seconds.
 */
export class Player {
  readonly #video: HTMLVideoElement;
  readonly #address: string;
  readonly #module: string;
  readonly #onState: (state: PlayerState) => void;
  readonly #stopped = new AbortController();
  #picture: { playlist: string; picture: Picture } | undefined;
  #trouble: 'no_picture' | 'unsupported' | null = null;
  #hasPicture = false;
  #state: PlayerState = 'loading';

  /**
   * @param base the address of the service, with a slash at its end
   * @param onState is told every change
   */
  constructor(video: HTMLVideoElement, base: string, playbackId: string, onState: (state: PlayerState) => void) {
    this.#video = video;
    this.#address = new URL(`api/streams/public/${encodeURIComponent(playbackId)}`, base).href;
    this.#module = new URL('console/hls.js', base).href;
    this.#onState = onState;
    void this.#watch();
  }

  /** Ends it; nothing is told any more. */
  stop(): void {
    this.#stopped.abort();
    this.#picture?.picture.stop();
  }

  async #watch(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      const over = await this.#look(signal);
      if (over) return;
      await new Promise((done) => setTimeout(done, POLL));
    }
  }

  /** Asks once; returns whether the broadcast is over for good. */
  async #look(signal: AbortSignal): Promise<boolean> {
    let answer: Response;
    try {
      answer = await fetch(this.#address, { signal, credentials: 'omit', cache: 'no-store' });
      if (answer.status === 410 || answer.status === 404) {
        this.#takeAway();
        this.#tell(answer.status === 410 || this.#hasPicture ? 'ended' : 'missing');
        return true;
      }
      if (answer.ok) this.#show(await answer.json());
      else this.#tell('unknown');
    } catch {
      if (!signal.aborted) this.#tell('unknown');
    }
    return false;
  }

  #show({ live, hls_url }: Shown): void {
    if (live && this.#picture?.playlist !== hls_url) {
      this.#takeAway();
      const onTrouble = (trouble: 'no_picture' | 'unsupported' | null) => {
        this.#trouble = trouble;
        this.#hasPicture ||= trouble === null;
        if (this.#state !== 'waiting') this.#tell(trouble ?? 'live');
      };
      this.#picture = { playlist: hls_url, picture: new Picture(this.#video, hls_url, this.#module, onTrouble) };
    }
    if (live) this.#tell(this.#trouble ?? (this.#hasPicture ? 'live' : 'starting'));
    else this.#tell('waiting');
  }

  #takeAway(): void {
    this.#picture?.picture.stop();
    this.#picture = undefined;
  }

  #tell(state: PlayerState): void {
    if (state === this.#state || this.#stopped.signal.aborted) return;
    this.#state = state;
    this.#onState(state);
  }
}
