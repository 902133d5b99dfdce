import { open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "../../base/os/clock.ts";
import { ApiError } from "../../client/api-error.ts";
import type { RestClient } from "../../client/rest.ts";
import type { KubeObject, Resource } from "../../client/types.ts";
import { gather } from "../../client/why/gather.ts";
import { survey } from "../../client/why/survey.ts";
import { surveyText } from "../../client/why/survey-text.ts";
import { checksText } from "../doctor/check.ts";
import { examineCluster, examineMachine } from "../doctor/examine.ts";
import { discover } from "../kubectl/discovery.ts";
import { clusterLayout } from "../up/layout.ts";
import { readerOf } from "../why/reader.ts";
import type { BundleFile } from "./bundle.ts";
import { redactObject, redactText } from "./redact.ts";

export const collectLimits = {
  /** Of one kind. */
  objects: 20_000,
  page: 500,
  /** Of each component's log, the newest. */
  logBytes: 2 * 2 ** 20,
  logs: 200,
} as const;

/** Kinds that tell nothing. Of Secrets names and keys are told. */
const leftOut = new Set(["componentstatuses"]);

export interface Collecting {
  /** Undefined: there is no cluster to ask. */
  readonly client: RestClient | undefined;
  readonly folder: string;
  readonly version: string;
  readonly signal: AbortSignal;
}

/** All files of a bundle, one after the other. What cannot be had is written down in its place. */
export async function* collect({
  client,
  folder,
  version,
  signal,
}: Collecting): AsyncGenerator<BundleFile, void, void> {
  const unread: string[] = [];
  yield {
    path: "version.txt",
    text: `${version}\nNode.js ${process.version}, ${process.platform} ${process.arch}\n`,
  };
  const checks = [...(await examineMachine(folder))];
  if (client !== undefined) {
    try {
      checks.push(...(await examineCluster(client, folder, signal)));
      const nowMs = systemClock.wallMs();
      const { result, unread: missed } = await gather(readerOf(client), (facts) => survey(undefined, facts), {
        nowMs,
        signal,
        isWide: true,
      });
      unread.push(...missed);
      yield { path: "why.txt", text: redactText(surveyText(result, "in the cluster")) };
      yield* objectFiles(client, { signal, unread });
    } catch (error) {
      signal.throwIfAborted();
      unread.push(`the cluster: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  yield { path: "doctor.txt", text: redactText(checksText(checks)) };
  yield* logFiles(clusterLayout(folder).logs, unread);
  yield {
    path: "could-not-read.txt",
    text: redactText(unread.length === 0 ? "everything was read\n" : `${unread.join("\n")}\n`),
  };
}

async function* objectFiles(
  client: RestClient,
  { signal, unread }: { readonly signal: AbortSignal; readonly unread: string[] },
): AsyncGenerator<BundleFile, void, void> {
  for (const resource of await discover(client, { signal: AbortSignal.any([signal]) })) {
    if (leftOut.has(resource.plural)) continue;
    const name = `${resource.plural}${resource.group === "" ? "" : `.${resource.group}`}`;
    try {
      const lines: string[] = [];
      for await (const object of listed(client, resource, signal))
        lines.push(JSON.stringify(redactObject(object)));
      if (lines.length === 0) continue;
      yield { path: `objects/${name}.jsonl`, text: `${lines.join("\n")}\n` };
    } catch (error) {
      signal.throwIfAborted();
      // A kind that cannot be listed has nothing to show.
      if (error instanceof ApiError && (error.code === 404 || error.code === 405)) continue;
      unread.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

async function* listed(
  client: RestClient,
  resource: Resource<KubeObject>,
  signal: AbortSignal,
): AsyncGenerator<KubeObject, void, void> {
  let next: string | undefined;
  let count = 0;
  do {
    const options = {
      limit: collectLimits.page,
      signal: AbortSignal.any([signal]),
      ...(next !== undefined && { continue: next }),
    };
    const page = await client.list(resource, options);
    yield* page.items;
    count += page.items.length;
    next = page.metadata.continue || undefined;
  } while (next !== undefined && count < collectLimits.objects);
}

/** The newest of what components of this machine wrote. */
async function* logFiles(folder: string, unread: string[]): AsyncGenerator<BundleFile, void, void> {
  let names: readonly string[];
  try {
    names = (await readdir(folder)).filter((name) => name.endsWith(".log"));
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT"))
      unread.push(`${folder}: ${error}`);
    return;
  }
  for (const name of [...names].sort().slice(0, collectLimits.logs)) {
    yield { path: `logs/${name}`, text: redactText(await tailOf(join(folder, name))) };
  }
}

async function tailOf(path: string): Promise<string> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    const length = Math.min(size, collectLimits.logBytes);
    const bytes = Buffer.alloc(length);
    await file.read(bytes, 0, length, size - length);
    const text = bytes.toString("utf8");
    // A line that is cut might hide what its beginning would have shown to be a secret.
    return length < size ? text.slice(text.indexOf("\n") + 1) : text;
  } finally {
    await file.close();
  }
}
