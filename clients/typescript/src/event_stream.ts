// Reads `text/event-stream`, as the HTML standard describes it.
//
// Libraries pass on messages with data alone. This service also sends positions without an event, from which a reader
// that was cut off goes on.

/** A message; what it does not have is `null`. */
export interface Message {
  id: string | null;
  data: string | null;
  /** After how many milliseconds to connect again. */
  retry: number | null;
}

/** Takes the text of a stream in pieces of any size. */
export class EventStreamParser {
  #rest = "";
  #endsWithReturn = false;
  #message: Message = { id: null, data: null, retry: null };

  /** The messages that are complete with this piece. */
  *push(piece: string): Generator<Message, void> {
    if (piece === "") return;
    // A CR ends its line at once; an LF in the next piece is its second half.
    this.#rest += this.#endsWithReturn && piece.startsWith("\n") ? piece.slice(1) : piece;
    this.#endsWithReturn = piece.endsWith("\r");
    let start = 0;
    for (const end of this.#rest.matchAll(/\r\n|\n|\r/g)) {
      const line = this.#rest.slice(start, end.index);
      start = end.index + end[0].length;
      if (line !== "") {
        this.#take(line);
        continue;
      }
      yield this.#message;
      this.#message = { id: null, data: null, retry: null };
    }
    this.#rest = this.#rest.slice(start);
  }

  #take(line: string): void {
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "data") this.#message.data = this.#message.data === null ? value : `${this.#message.data}\n${value}`;
    if (name === "id" && !value.includes("\0")) this.#message.id = value;
    if (name === "retry" && /^\d+$/.test(value)) this.#message.retry = Number(value);
  }
}
