// The format of the stream of events.

import assert from "node:assert/strict";
import { test } from "node:test";
import { EventStreamParser } from "../dist/event_stream.js";

const lines = [
  "retry: 2000",
  "id: 7",
  "",
  ":",
  "",
  ": a comment: with a colon",
  "id:8",
  "event: stream.live",
  'data: {"a":',
  "data:  1}",
  "",
  "data",
  "data",
  "id: 9\0",
  "retry: soon",
  "unknown: field",
  "",
  "data: é🎥",
  "",
];

const expected = [
  { id: "7", data: null, retry: 2000 },
  { id: null, data: null, retry: null },
  { id: "8", data: '{"a":\n 1}', retry: null },
  { id: null, data: "\n", retry: null },
  { id: null, data: "é🎥", retry: null },
];

test("messages are the same with each end of lines, wherever the text is cut", () => {
  for (const end of ["\n", "\r\n", "\r"]) {
    const text = lines.join(end) + end;
    for (let cut = 0; cut <= text.length; cut += 1) {
      const parser = new EventStreamParser();
      const messages = [text.slice(0, cut), text.slice(cut)].flatMap((piece) => [...parser.push(piece)]);
      assert.deepEqual(messages, expected, `${JSON.stringify(end)} at ${cut}`);
    }
    const parser = new EventStreamParser();
    assert.deepEqual(Array.from(text).flatMap((piece) => [...parser.push(piece)]), expected);
  }
});

test("a message that is not complete is not passed on", () => {
  const parser = new EventStreamParser();
  assert.deepEqual([...parser.push("id: 1\ndata: {}\n")], []);
  assert.deepEqual([...parser.push("\n")], [{ id: "1", data: "{}", retry: null }]);
});
