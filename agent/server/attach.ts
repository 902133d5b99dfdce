import { PassThrough } from "node:stream";
import { deferred } from "../../base/deferred.ts";
import type { Runtime, RuntimeContainer, Session } from "../runtime/seam.ts";
import { followLog } from "./follow-log.ts";

/** A container's own streams as a session: its output from now on, as its log shows it, and its input if it was started
 *  with one. Ends when the container does; ending the session leaves the container alone. */
export async function attachSession(
  runtime: Pick<Runtime, "attach" | "containerStatus" | "subscribe">,
  container: RuntimeContainer,
  stdin: boolean,
  tty: boolean,
): Promise<Session> {
  const point = await runtime.attach(container.id);
  const abort = new AbortController();
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const exited = deferred<number>();
  const phase = () => runtime.containerStatus(container.id)?.state;
  const pump = async () => {
    const lines = followLog(point.logPath, {
      fromEnd: container.state.phase === "running",
      goesOn: () => phase()?.phase === "running",
      onWake: (wake) => runtime.subscribe(({ id }) => id === container.id && wake()),
      signal: abort.signal,
    });
    for await (const line of lines) {
      const to = line.stream === "stderr" && !tty ? stderr : stdout;
      const bytes = line.partial ? line.text : Buffer.concat([line.text, Buffer.from("\n")]);
      if (!to.write(bytes)) await new Promise((resolve) => to.once("drain", resolve));
    }
    stdout.end();
    stderr.end();
    const state = phase();
    exited.resolve(state?.phase === "exited" ? state.exitCode : 0);
  };
  pump().catch(exited.reject);
  const input = stdin ? point.stdin : undefined;
  input?.once("close", () => point.closeStdin());
  return {
    stdin: input,
    stdout,
    stderr: tty ? undefined : stderr,
    resize: point.resize,
    exited: exited.promise,
    kill: () => abort.abort(),
  };
}
