// Prints each event of a user, and each change of the way in which they come, as a line of JSON.
// Tokens are used one after the other, one for each request, and the last one from then on.

import { createClient } from "../../dist/index.js";

const tokens = JSON.parse(process.env.SERVICE_TOKENS);
const token = () => (tokens.length > 1 ? tokens.shift() : tokens[0]);
const client = createClient({ baseUrl: process.env.SERVICE_URL, token });
const print = (line) => console.log(JSON.stringify(line));
for await (const event of client.events({ after: 0, onState: (state) => print({ state }) })) print({ event });
