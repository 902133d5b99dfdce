import type { ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { StateMetrics } from "./state-metrics.ts";

/** Answers /metrics/state: of the one that works; whoever stands by tells nothing, so that no series is there twice. */
export async function answerState(
  response: ServerResponse,
  state: Pick<StateMetrics, "text" | "stop">,
  isLeader: () => boolean,
): Promise<void> {
  const type = { "content-type": "text/plain; version=0.0.4; charset=utf-8" };
  if (!isLeader()) {
    await state.stop();
    response.writeHead(200, type).end("# This controller manager stands by; the leader tells.\n");
    return;
  }
  const gone = new AbortController();
  response.once("close", () => gone.abort(new Error("whoever asked is gone")));
  let pieces: Iterable<string>;
  try {
    pieces = await state.text(gone.signal);
  } catch (error) {
    response
      .writeHead(503, { "content-type": "text/plain" })
      .end(`${error instanceof Error ? error.message : error}\n`);
    return;
  }
  response.writeHead(200, type);
  await pipeline(Readable.from(pieces), response);
}
