import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type Failpoint, failpointNamed, failpointNames } from "./failpoint.ts";

const unknownText = "failpoint: failpoint does not exist";
const disarmedText = "failpoint: failpoint is disabled";

/** Why failpoints that others have are not here, by name. */
export type AbsentFailpoints = Readonly<Record<string, string>>;

interface Reply {
  readonly status: number;
  readonly body: string;
}

const reply = (status: number, body = ""): Reply => ({ status, body });

/** Arms `name=terms;name=terms`. Throws an Error that names what cannot be. */
export function armAll(text: string, absent: AbsentFailpoints): void {
  for (const part of text.split(";").filter((one) => one !== "")) {
    const [name = "", terms, ...more] = part.split("=");
    if (terms === undefined || more.length > 0) throw new Error(`bad failpoint ${JSON.stringify(part)}`);
    named(name, absent).arm(terms);
  }
}

function named(name: string, absent: AbsentFailpoints): Failpoint {
  const one = failpointNamed(name);
  if (one !== undefined) return one;
  const why = Object.hasOwn(absent, name) ? `: ${absent[name]}` : "";
  throw new Error(`${unknownText}: ${name}${why}`);
}

/** gofail's HTTP interface: GET / lists, GET, PUT and DELETE /NAME read, arm and disarm. */
export function failpointServer(absent: AbsentFailpoints): Server {
  return createServer((request, response) => {
    answer(request, absent).then(
      ({ status, body }) => send(response, status, body),
      (error: unknown) => send(response, 400, `${error instanceof Error ? error.message : error}\n`),
    );
  });
}

function send(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, {
    "content-type": "text/plain; charset=utf-8",
    ...(status === 405 && { allow: "PUT" }),
  });
  response.end(body);
}

async function answer(request: IncomingMessage, absent: AbsentFailpoints): Promise<Reply> {
  const key = (request.url ?? "/").slice(1);
  switch (request.method) {
    case "PUT":
      return arm(key, await bodyOf(request), absent);
    case "GET":
      return key === "" ? reply(200, list()) : look(key);
    case "DELETE":
      return disarm(key);
    default:
      return reply(405, "Method not allowed\n");
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = "";
  request.setEncoding("utf8");
  for await (const piece of request) text += piece;
  return text;
}

function arm(key: string, text: string, absent: AbsentFailpoints): Reply {
  try {
    if (key.toLowerCase() === "failpoints") armAll(text, absent);
    else named(key, absent).arm(text);
    return reply(204);
  } catch (error) {
    return reply(400, `fail to set failpoint: ${error instanceof Error ? error.message : error}\n`);
  }
}

const list = (): string =>
  `${failpointNames()
    .map((name) => `${name}=${failpointNamed(name)?.terms?.text ?? ""}`)
    .join("\n")}\n`;

function look(key: string): Reply {
  const counts = key.endsWith("/count");
  const one = failpointNamed(counts ? key.slice(0, -"/count".length) : key);
  if (one === undefined) return reply(404, `failed to GET: ${unknownText}\n${counts ? "" : "\n"}`);
  const { terms } = one;
  if (counts)
    return terms === undefined
      ? reply(500, `failed to GET: ${disarmedText}\n`)
      : reply(200, String(terms.count));
  return terms === undefined
    ? reply(404, `failed to GET: ${disarmedText}\n\n`)
    : reply(200, `${terms.text}\n`);
}

function disarm(key: string): Reply {
  const one = failpointNamed(key);
  const problem = one === undefined ? unknownText : one.terms === undefined ? disarmedText : undefined;
  if (problem !== undefined) return reply(400, `failed to delete failpoint ${problem}\n`);
  one?.disarm();
  return reply(204);
}
