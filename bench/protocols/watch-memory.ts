import { once } from "node:events";
import { connect } from "node:http2";
import { request } from "node:https";
import { type ApiAccess, startApiSide } from "../api/peers.ts";
import type { Protocol } from "./load.ts";

const path = "/api/v1/namespaces/default/configmaps?watch=1";

interface Opened {
  close(): void;
}

/** What a server just started has resident before and with so many watches. */
export async function watchMemory(
  protocol: Protocol,
  { watches, connections }: { readonly watches: number; readonly connections: number },
): Promise<{ readonly beforeMb: number; readonly withMb: number }> {
  const side = await startApiSide("pintle");
  const opened: Opened[] = [];
  try {
    const share = async (count: number) => {
      if (protocol === "HTTP/2") opened.push(await watchOnOne(side.access, count));
      else for (let n = 0; n < count; n++) opened.push(await watchAlone(side.access));
    };
    await share(1);
    const beforeMb = side.usage().server.residentMb;
    for (let n = 0; n < connections; n++)
      await share(Math.floor((watches * (n + 1)) / connections) - Math.floor((watches * n) / connections));
    return { beforeMb, withMb: side.usage().server.residentMb };
  } finally {
    for (const one of opened) one.close();
    await side.stop();
  }
}

const place = ({ caPem: ca, certificatePem: cert, keyPem: key }: ApiAccess) => ({ ca, cert, key });

async function watchAlone(access: ApiAccess): Promise<Opened> {
  const asked = request({ host: "127.0.0.1", port: access.port, path, agent: false, ...place(access) });
  asked.end();
  const [answer] = await once(asked, "response");
  answer.on("error", () => undefined);
  return { close: () => asked.destroy() };
}

async function watchOnOne(access: ApiAccess, count: number): Promise<Opened> {
  const session = connect(`https://127.0.0.1:${access.port}`, place(access));
  for (let n = 0; n < count; n++) {
    const stream = session.request({ ":path": path });
    stream.on("error", () => undefined);
    await once(stream, "response");
  }
  return { close: () => session.destroy() };
}
