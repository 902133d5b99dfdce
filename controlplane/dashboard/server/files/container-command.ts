import { Readable } from "node:stream";
import { ApiError } from "../../../../client/api-error.ts";
import type { ExecSession } from "../../../../client/exec.ts";
import type { RestConfig } from "../../../../client/kubeconfig.ts";
import { RestClient } from "../../../../client/rest.ts";
import type { Place } from "./places.ts";

const errorBytesMost = 4_096;

/** How a command ended: its exit code, or why it could not be run or seen to its end. */
export interface Outcome {
  readonly code?: number;
  /** What it said of its troubles, or the cluster did. */
  readonly said: string;
}

/** A command in a container, asked for as the session's person. */
export interface ContainerCommand {
  /** Its output; what is not read holds it up. Destroyed, the connection is cut. */
  readonly output: Readable;
  readonly session: Pick<ExecSession, "write" | "drained" | "closeStdin">;
  readonly outcome: Promise<Outcome>;
  close(): void;
}

/** Rejects with ApiError where the API server lets nobody in. */
export async function runInContainer(
  config: RestConfig,
  { namespace, pod, container }: Omit<Place, "path">,
  command: readonly string[],
  { stdin = false }: { readonly stdin?: boolean } = {},
): Promise<ContainerCommand> {
  const client = new RestClient(config, { userAgent: "pintle-dashboard" });
  let session: ExecSession | undefined;
  let said = Buffer.alloc(0);
  const output = new Readable({
    read: () => session?.resume(),
    destroy: (error, done) => {
      session?.close();
      done(error);
    },
  });
  try {
    session = await client.exec(
      { namespace, name: pod },
      {
        command,
        container,
        stdin,
        onStdout: (bytes) => {
          if (bytes.length > 0 && !output.destroyed && !output.push(Buffer.from(bytes))) session?.pause();
        },
        onStderr: (bytes) => {
          said = Buffer.concat([said, bytes]).subarray(0, errorBytesMost);
        },
      },
    );
  } catch (error) {
    client.close();
    throw error;
  }
  const opened = session;
  const outcome = opened.exitCode
    .then(
      (code): Outcome => ({ code, said: said.toString("utf8").trim() }),
      (error: unknown): Outcome => ({ said: error instanceof Error ? error.message : String(error) }),
    )
    .finally(() => {
      if (!output.destroyed) output.push(null);
      client.close();
    });
  return { output, session: opened, outcome, close: () => opened.close() };
}

/** Why a command of ours failed, as a sentence; undefined where it did not. Pure. */
export function whyFailed({ code, said }: Outcome, tool: string): string | undefined {
  if (code === 0) return undefined;
  const isMissing =
    code === 126 || code === 127 || (code === undefined && /not found|no such file|cannot find/i.test(said));
  if (isMissing && !/^tar:|^sh:.*cd/.test(said))
    return `The container has no ${tool}, which this needs${tool === "tar" ? ", as kubectl cp does" : ""}.`;
  return said || `${tool} ended with exit code ${code}.`;
}

export const codeOf = (error: unknown): number => (error instanceof ApiError ? error.code : 502);
