import { once } from "node:events";
import { armAll, failpointServer } from "../base/failpoints/http-api.ts";
import { UsageError } from "../base/os/flags.ts";
import type { Log } from "../base/os/log.ts";
import { absentFailpoints } from "../store/absent-failpoints.ts";

/** Arms failpoints as the variables of gofail say: GOFAIL_FAILPOINTS what is armed from the start, GOFAIL_HTTP where to listen for
 *  whoever arms and disarms them later. Rejects with UsageError. */
export async function openFailpoints(
  env: Readonly<Record<string, string | undefined>>,
  log: Log,
): Promise<() => void> {
  const { GOFAIL_FAILPOINTS: armed = "", GOFAIL_HTTP: address = "" } = env;
  try {
    armAll(armed, absentFailpoints);
  } catch (error) {
    throw new UsageError(`GOFAIL_FAILPOINTS: ${error instanceof Error ? error.message : error}`);
  }
  if (armed !== "") log.warn("failpoints are armed", { failpoints: armed });
  if (address === "") return () => undefined;
  const [, host = "", port = ""] = /^\[?(.*?)\]?:(\d+)$/.exec(address) ?? [];
  if (port === "") throw new UsageError(`GOFAIL_HTTP: ${JSON.stringify(address)} is not HOST:PORT`);
  const server = failpointServer(absentFailpoints);
  server.listen(Number(port), ...(host === "" ? [] : [host]));
  try {
    await once(server, "listening");
  } catch (error) {
    throw new UsageError(`GOFAIL_HTTP: ${error instanceof Error ? error.message : error}`);
  }
  log.warn("serving failpoints to whoever asks", { address });
  return () => {
    server.close();
    server.closeAllConnections();
  };
}
