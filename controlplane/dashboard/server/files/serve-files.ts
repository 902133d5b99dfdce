import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import type { Clock } from "../../../../base/os/clock.ts";
import { type Random, randomBytes } from "../../../../base/os/random.ts";
import { json, statusText } from "../answers.ts";
import { safeHeaders } from "../hygiene.ts";
import { readJson } from "../read-json.ts";
import { configNow, type Session } from "../sessions.ts";
import { type ContainerCommand, codeOf, runInContainer, whyFailed } from "./container-command.ts";
import { type FolderEntry, listCommand, listLimits, readListing } from "./list-folder.ts";
import { type Place, readFileName, readPlace, splitPath } from "./places.ts";
import { type FirstEntry, fileBytesMost, fileHead, fileTail, readFirstEntry } from "./tar.ts";

export const filesLimits = {
  /** Copies and listings of all sessions at once. */
  underWayMost: 32,
  /** How long a folder's listing and a copy's beginning may take, and how long a copy waits for its browser. */
  beginMs: 30_000,
} as const;

/** A copy out of a container that has begun and waits for the browser to fetch it. */
interface Waiting {
  readonly command: ContainerCommand;
  readonly fileName: string;
  /** Of a file; of a folder the archive goes out as it comes. */
  readonly entry?: FirstEntry;
  readonly cancel: () => void;
}

/** Files of containers, as `kubectl cp` copies them: by `tar` in the container, over exec, as the session's person. Nothing is
 *  kept: bytes pass from one side to the other, as fast as the slower takes them. */
export class Files {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #waiting = new Map<string, Waiting>();
  #underWay = 0;

  constructor({ clock, random }: { readonly clock: Clock; readonly random: Random }) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Answers what lies under `/files/`. A copy out is fetched by a link of its own, good once, since a browser saves what it goes
   *  to, and brings no key then. */
  async answer(
    request: IncomingMessage,
    response: ServerResponse,
    { path, session }: { readonly path: string; readonly session: Session | undefined },
  ): Promise<void> {
    const code = /^\/files\/out\/([\w-]+)$/.exec(path)?.[1];
    if (code !== undefined && request.method === "GET") return this.#fetch(code, response);
    if (session === undefined) return statusText(response, 401, "no session: come in first");
    const act = { "/files/list": this.#list, "/files/out": this.#out, "/files/in": this.#in }[path];
    if (act === undefined || request.method !== "POST")
      return statusText(response, 404, `nothing at ${path}`);
    if (this.#underWay + this.#waiting.size >= filesLimits.underWayMost)
      return statusText(response, 429, "too many copies are under way");
    this.#underWay++;
    try {
      await act.call(this, request, response, session);
    } catch (error) {
      if (response.headersSent) response.destroy();
      else if (error instanceof TypeError) statusText(response, 400, error.message);
      else statusText(response, codeOf(error), error instanceof Error ? error.message : String(error));
    } finally {
      this.#underWay--;
    }
  }

  close(): void {
    for (const { command, cancel } of this.#waiting.values()) {
      cancel();
      command.close();
    }
    this.#waiting.clear();
  }

  async #list(request: IncomingMessage, response: ServerResponse, session: Session): Promise<void> {
    const place = readPlace(await readJson(request));
    const command = await runInContainer(await configNow(session), place, listCommand(place.path));
    const cancel = this.#clock.after(filesLimits.beginMs, () => command.close());
    let text = "";
    try {
      command.output.setEncoding("utf8");
      for await (const piece of command.output as AsyncIterable<string>) {
        text += piece;
        if (text.length > listLimits.bytesMost)
          return statusText(response, 422, `${place.path} has more entries than can be shown`);
      }
    } finally {
      cancel();
    }
    const outcome = await command.outcome;
    if (outcome.code === 3) return statusText(response, 422, outcome.said || `${place.path} is no folder`);
    const why = whyFailed(outcome, "shell");
    const listing = readListing(text);
    if (why !== undefined || listing === undefined)
      return statusText(response, 422, why ?? "the listing came broken");
    json(response, 200, listing satisfies { readonly entries: readonly FolderEntry[] });
  }

  /** Begins a copy out, so that what is wrong with it is said before a browser saves anything. */
  async #out(request: IncomingMessage, response: ServerResponse, session: Session): Promise<void> {
    const given = await readJson(request);
    const place = readPlace(given);
    const isFolder = given.isFolder === true;
    const { folder, name } = splitPath(place.path);
    // A link's file is wanted, and not the link; in a folder links stay what they are.
    const tar = ["tar", isFolder ? "-cf" : "-chf", "-", "-C", folder, `./${name}`];
    const command = await runInContainer(await configNow(session), place, tar);
    const cancelBegin = this.#clock.after(filesLimits.beginMs, () => command.close());
    const begun = await begin(command, isFolder).finally(cancelBegin);
    if (typeof begun === "string") {
      command.close();
      return statusText(response, 422, begun);
    }
    const code = Buffer.from(randomBytes(this.#random, 32)).toString("base64url");
    // What is no text of Unicode has no place in a header.
    const fileName = Buffer.from(`${name === "." ? "files" : name}${isFolder ? ".tar" : ""}`).toString();
    const cancel = this.#clock.after(filesLimits.beginMs, () => {
      this.#waiting.delete(code);
      command.close();
    });
    this.#waiting.set(code, { command, fileName, cancel, ...(begun.entry && { entry: begun.entry }) });
    json(response, 200, {
      path: `/files/out/${code}`,
      fileName,
      ...(begun.entry && { sizeBytes: begun.entry.sizeBytes }),
    });
  }

  async #fetch(code: string, response: ServerResponse): Promise<void> {
    const waiting = this.#waiting.get(code);
    if (waiting === undefined)
      return statusText(response, 404, "this copy was fetched, or waited for too long");
    this.#waiting.delete(code);
    this.#underWay++;
    waiting.cancel();
    const { command, fileName, entry } = waiting;
    // A container that says nothing more is not waited for when its browser has gone.
    response.once("close", () => command.close());
    response.writeHead(200, {
      ...safeHeaders,
      "content-type": "application/octet-stream",
      "content-disposition": `attachment; filename*=UTF-8''${encodeURIComponent(fileName).replace(/['()*]/g, percent)}`,
      "cache-control": "no-store",
      ...(entry && { "content-length": entry.sizeBytes }),
    });
    try {
      if (entry === undefined) await pipeline(command.output, response, { end: false });
      else await pipeline(entry.bytes(), response, { end: false });
      const { code: exitCode } = await command.outcome;
      // GNU tar ends with 1 where files changed while it read them.
      if (exitCode !== 0 && exitCode !== 1) response.destroy();
      else response.end();
    } catch {
      // Whoever fetched it has gone, or its container.
      response.destroy();
    } finally {
      this.#underWay--;
      command.close();
    }
  }

  /** One file into a folder. Its bytes are the request's body, its place stands in the query. */
  async #in(request: IncomingMessage, response: ServerResponse, session: Session): Promise<void> {
    const query = new URLSearchParams((request.url ?? "").split("?")[1]);
    const place: Place = readPlace(Object.fromEntries(query));
    const name = readFileName(query.get("name"));
    const sizeBytes = Number(request.headers["content-length"]);
    if (!Number.isSafeInteger(sizeBytes)) return statusText(response, 411, "the file's size must be said");
    if (sizeBytes > fileBytesMost)
      return statusText(response, 413, `a file of more than ${fileBytesMost} bytes does not go in`);
    const tar = ["tar", "-xmof", "-", "-C", place.path];
    const command = await runInContainer(await configNow(session), place, tar, { stdin: true });
    request.once("close", () => {
      if (!request.complete) command.close();
    });
    command.output.resume();
    const { session: input } = command;
    const send = async (bytes: Buffer) => {
      if (!input.write(bytes)) await input.drained();
    };
    const outcome = command.outcome;
    let isOver = false;
    void outcome.then(() => {
      isOver = true;
      request.resume();
    });
    await send(fileHead(name, sizeBytes, Math.floor(this.#clock.wallMs() / 1000)));
    for await (const piece of request as AsyncIterable<Buffer>) if (!isOver) await send(piece);
    await send(fileTail(sizeBytes));
    input.closeStdin();
    const why = whyFailed(await outcome, "tar");
    if (why !== undefined) return statusText(response, 422, why);
    json(response, 200, { name, sizeBytes });
  }
}

/** The first entry of a file's archive, or that a folder's has begun; else why not, as a sentence. */
async function begin(
  command: ContainerCommand,
  isFolder: boolean,
): Promise<{ readonly entry?: FirstEntry } | string> {
  const why = async (otherwise: string) => whyFailed(await command.outcome, "tar") ?? otherwise;
  if (isFolder) {
    await new Promise<void>((resolve) => {
      command.output.once("readable", () => resolve());
      void command.outcome.then(() => resolve());
    });
    return command.output.readableLength > 0 ? {} : why("the folder could not be read");
  }
  try {
    const entry = await readFirstEntry(command.output as AsyncIterable<Buffer>);
    if (entry === undefined) return await why("there is no such file");
    return entry.isFile ? { entry } : "only files and folders are copied";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const percent = (letter: string): string => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`;
