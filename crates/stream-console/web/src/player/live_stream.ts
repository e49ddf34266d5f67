import { Player } from './player.ts';
import type { PlayerState } from './state.ts';
import { playerTexts } from '../texts.ts';

const STYLE = `
:host { display: block; position: relative; aspect-ratio: 16 / 9; background: #000; color: #fff; overflow: hidden; }
:host([hidden]) { display: none; }
video { position: absolute; inset: 0; width: 100%; height: 100%; }
p { position: absolute; inset: 0; margin: 0; padding: 1rem; display: grid; place-content: center; text-align: center;
    font: 500 1rem/1.5 system-ui, sans-serif; background: #000c; pointer-events: none; }
p.live { inset: .75rem auto auto .75rem; padding: .1rem .5rem; border-radius: .25rem; background: #b91c1c; font-size: .8rem; }
`;

/**
 * `<live-stream playback-id="…">`: a player for any page, with what it shows while nobody publishes and after the end.
 *
 * Attributes: `playback-id`; `api`, the address of the service, by default where this module comes from; `controls`, unless
 * it is `off`. Each change of its state is an event `statechange` with `detail.state`; the property `state` has the last one.
 */
export class LiveStream extends HTMLElement {
  static readonly observedAttributes = ['playback-id', 'api', 'controls'];

  /** The address that is used unless `api` names another; it ends with a slash. */
  static base = new URL('.', import.meta.url).href;

  readonly #video = document.createElement('video');
  readonly #status = document.createElement('p');
  #player: Player | undefined;
  #state: PlayerState = 'loading';

  constructor() {
    super();
    const root = this.attachShadow({ mode: 'open' });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
    this.#video.muted = this.#video.autoplay = this.#video.playsInline = true;
    this.#video.setAttribute('part', 'video');
    this.#status.setAttribute('part', 'status');
    this.#status.setAttribute('role', 'status');
    root.append(this.#video, this.#status);
  }

  /** What it shows. */
  get state(): PlayerState {
    return this.#state;
  }

  connectedCallback(): void {
    this.#begin();
  }

  disconnectedCallback(): void {
    this.#player?.stop();
    this.#player = undefined;
  }

  attributeChangedCallback(_name: string, before: string | null, after: string | null): void {
    if (this.isConnected && before !== after) this.#begin();
  }

  #begin(): void {
    this.#player?.stop();
    this.#player = undefined;
    this.#video.controls = this.getAttribute('controls') !== 'off';
    this.#tell('loading');
    const id = this.getAttribute('playback-id')?.trim();
    if (!id) return this.#tell('missing');
    this.#player = new Player(this.#video, this.#base(), id, (state) => this.#tell(state));
  }

  #base(): string {
    const given = this.getAttribute('api')?.trim();
    return given ? new URL(given.replace(/\/*$/, '/'), document.baseURI).href : LiveStream.base;
  }

  #tell(state: PlayerState): void {
    this.#state = state;
    this.#status.textContent = playerTexts[state];
    this.#status.className = state;
    this.dispatchEvent(new CustomEvent('statechange', { detail: { state } }));
  }
}

/** Makes the element known to the page, once. */
export function defineLiveStream(): void {
  if (!customElements.get('live-stream')) customElements.define('live-stream', LiveStream);
}
