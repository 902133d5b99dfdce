import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { UsageError } from "../../base/os/flags.ts";
import { OperatorError } from "../command.ts";

/** An object as a user wrote it. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly [field: string]: unknown;
}

const limitBytes = 16 * 1024 * 1024;

/** Reads files, folders (their .yaml, .yml and .json) and `-` for standard input; Lists are taken apart. */
export async function readManifests(
  paths: readonly string[],
  stdin: AsyncIterable<Uint8Array | string>,
): Promise<readonly Manifest[]> {
  if (paths.length === 0) throw new UsageError("-f: which file? A file, a folder, or - for standard input");
  const manifests: Manifest[] = [];
  for (const path of paths) {
    const sources =
      path === "-" ? [{ name: "standard input", text: await readStream(stdin) }] : readPath(path);
    for (const { name, text } of sources) manifests.push(...parseManifests(name, text));
  }
  if (manifests.length === 0) throw new OperatorError(`no objects in ${paths.join(", ")}`);
  return manifests;
}

/** All objects of one text. Every problem names the source and the document. */
export function parseManifests(source: string, text: string): readonly Manifest[] {
  return parseAllDocuments(text).flatMap((document, at) => {
    const [error] = document.errors;
    if (error !== undefined) throw new OperatorError(`${source}: ${error.message.split("\n")[0]}`);
    const value: unknown = document.toJS();
    return value === null ? [] : checked(value, `${source}, document ${at + 1}`);
  });
}

function checked(value: unknown, where: string): readonly Manifest[] {
  if (!isRecord(value)) throw new OperatorError(`${where}: not an object`);
  const { apiVersion, kind, metadata, items } = value;
  if (typeof apiVersion !== "string" || apiVersion === "")
    throw new OperatorError(`${where}: apiVersion is missing`);
  if (typeof kind !== "string" || kind === "") throw new OperatorError(`${where}: kind is missing`);
  if (kind.endsWith("List") && Array.isArray(items))
    return items.flatMap((item, at) => checked(item, `${where}, item ${at + 1}`));
  if (!isRecord(metadata) || typeof metadata.name !== "string" || metadata.name === "")
    throw new OperatorError(`${where}: ${kind} without metadata.name`);
  return [value as unknown as Manifest];
}

function readPath(path: string): readonly { readonly name: string; readonly text: string }[] {
  try {
    if (!statSync(path).isDirectory()) return [{ name: path, text: readFileSync(path, "utf8") }];
    return readdirSync(path)
      .filter((name) => /\.(ya?ml|json)$/.test(name))
      .sort()
      .map((name) => ({ name: join(path, name), text: readFileSync(join(path, name), "utf8") }));
  } catch (error) {
    throw new OperatorError(`cannot read ${path}: ${error instanceof Error ? error.message : error}`);
  }
}

async function readStream(stream: AsyncIterable<Uint8Array | string>): Promise<string> {
  const chunks: Buffer[] = [];
  let lengthBytes = 0;
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk);
    lengthBytes += bytes.length;
    if (lengthBytes > limitBytes)
      throw new OperatorError(`standard input is longer than ${limitBytes} bytes`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
