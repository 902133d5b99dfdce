import type { IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Clock } from "../../../base/os/clock.ts";
import { readRecord } from "../../../client/logs/read-record.ts";
import type { SearchRecord } from "../../../client/logs/search-records.ts";
import { type SearchRequest, searchParams } from "../../../client/logs/search-request.ts";
import type { KubeObject } from "../../../client/types.ts";
import { isAllowedAddress } from "../reach/allowed-address.ts";
import { agentAddress } from "../reach/node-address.ts";
import type { NodeLink } from "../reach/node-link.ts";
import type { ClusterFacts } from "../registry/kind.ts";

/** A node that searches says every other second that it does. */
const silentMsMax = 10_000;
const lineBytesMax = 2 * 1024 * 1024;
const refusalBytesMax = 1024;

export interface AskNodeDeps {
  readonly nodes: NodeLink;
  readonly clock: Clock;
  readonly facts: ClusterFacts;
}

/** What a node's agent finds, as fast as it is taken. Fails with an Error that says what stood in the way. */
export async function* askNode(
  node: KubeObject,
  search: SearchRequest,
  { nodes, clock, facts }: AskNodeDeps,
  signal: AbortSignal,
): AsyncGenerator<SearchRecord, void, void> {
  const address = agentAddress(node);
  if (address === undefined) throw new Error("it has no address");
  if (!isAllowedAddress(address.host, facts)) throw new Error(`address ${address.host} not allowed`);
  const own = new AbortController();
  const onAbort = () => own.abort();
  signal.addEventListener("abort", onAbort, { once: true });
  let isSilent = false;
  let cancel = () => {};
  const listen = () => {
    cancel();
    cancel = clock.after(silentMsMax, () => {
      isSilent = true;
      own.abort();
    });
  };
  try {
    listen();
    const answer = await answerOf(
      { ...address, path: `/${search.source === "audit" ? "audit" : "logs"}/search?${searchParams(search)}` },
      nodes,
      own.signal,
    );
    if (answer.statusCode !== 200)
      throw new Error(`it answers ${answer.statusCode}: ${await beginning(answer)}`);
    let isEnded = false;
    for await (const line of linesOf(answer, { waiting: listen, taken: () => cancel() })) {
      const record = readRecord(line);
      isEnded ||= "end" in record;
      yield record;
    }
    if (!isEnded) throw new Error("its answer has no end");
  } catch (error) {
    throw isSilent ? new Error(`no answer within ${silentMsMax} ms`) : error;
  } finally {
    cancel();
    signal.removeEventListener("abort", onAbort);
    own.abort();
  }
}

function answerOf(
  options: { readonly host: string; readonly port: number; readonly path: string },
  { agent }: NodeLink,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    httpsRequest({ ...options, agent, signal })
      .once("response", resolve)
      .once("error", reject)
      .end();
  });
}

async function beginning(answer: IncomingMessage): Promise<string> {
  let text = "";
  for await (const piece of answer) {
    text += piece;
    if (text.length > refusalBytesMax) break;
  }
  return text.slice(0, refusalBytesMax).trim();
}

/** @param turns Told when more is waited for, and when it came: who does not take what there is may take long. */
async function* linesOf(
  answer: IncomingMessage,
  turns: { readonly waiting: () => void; readonly taken: () => void },
): AsyncGenerator<string, void, void> {
  let rest: Buffer[] = [];
  let restBytes = 0;
  turns.waiting();
  for await (const piece of answer as AsyncIterable<Buffer>) {
    turns.taken();
    let from = 0;
    for (let end = piece.indexOf(10); end >= 0; end = piece.indexOf(10, from)) {
      rest.push(piece.subarray(from, end));
      const line = Buffer.concat(rest).toString("utf8");
      rest = [];
      restBytes = 0;
      from = end + 1;
      yield line;
    }
    if (from < piece.length) rest.push(piece.subarray(from));
    restBytes += piece.length - from;
    if (restBytes > lineBytesMax) throw new Error(`a line of more than ${lineBytesMax} bytes`);
    turns.waiting();
  }
}
