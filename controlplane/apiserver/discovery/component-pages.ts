import { notAcceptable } from "../api-error.ts";
import { mediaRanges } from "../handlers/accept-header.ts";
import { mediaTypes } from "../handlers/negotiate.ts";
import { bodyBytes } from "../handlers/respond.ts";
import type { JsonObject } from "../json.ts";
import type { PlainAnswer, PlainAsked } from "./plain-routes.ts";

/** /statusz and /flagz: what runs here, and how it was started, for people; for programs that name the form (config.k8s.io) the
 *  same as an object. Pure but for what is handed in. */
export interface PageContent {
  readonly kind: "Statusz" | "Flagz";
  /** The lines for people. */
  readonly lines: readonly string[];
  /** The object's fields. */
  readonly fields: JsonObject;
}

const component = "apiserver";
const served = [mediaTypes.json, mediaTypes.yaml, "text/plain"];
const versions = ["v1alpha1", "v1beta1"];

/** Fails with 406. */
export function componentPage(content: PageContent, asked: PlainAsked): PlainAnswer {
  const form = formOf(asked.accept, content.kind);
  if (form === undefined) throw notAcceptable(served);
  const name = content.kind.toLowerCase();
  if (form === "text") {
    const head = `\n${component} ${name}\nWarning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for debugging purposes only.\n`;
    const body = `${head}${content.lines.join("\n")}\n`;
    return { code: 200, contentType: "text/plain; charset=utf-8", body };
  }
  const { format, version } = form;
  const apiVersion = `config.k8s.io/${version}`;
  const body = { kind: content.kind, apiVersion, metadata: { name: component }, ...content.fields };
  const old = `299 - "This version of the ${name} endpoint is deprecated. Please use a newer version."`;
  return {
    code: 200,
    contentType: `${mediaTypes[format]};g=config.k8s.io;v=${version};as=${content.kind}`,
    body: bodyBytes(body, { format, isPretty: asked.forPeople }),
    headers: version === "v1alpha1" ? { Warning: old } : {},
  };
}

type PageForm = "text" | { readonly format: "json" | "yaml"; readonly version: string };

function formOf(accept: string, kind: PageContent["kind"]): PageForm | undefined {
  if (accept.trim() === "") return "text";
  for (const { type, parameters } of mediaRanges(accept)) {
    const isObject = ["g", "v", "as"].some((name) => parameters.has(name));
    if (!isObject && ["text/plain", "text/*", "*/*"].includes(type)) return "text";
    const format = type === mediaTypes.json ? "json" : type === mediaTypes.yaml ? "yaml" : undefined;
    const version = parameters.get("v") ?? "";
    const isKnown = parameters.get("g") === "config.k8s.io" && parameters.get("as") === kind;
    if (format !== undefined && isKnown && versions.includes(version)) return { format, version };
  }
  return undefined;
}

/** @param startedSeconds Since 1970. */
export function statusPage(
  { startedSeconds, nowSeconds }: { readonly startedSeconds: number; readonly nowSeconds: number },
  { release, paths }: { readonly release: string; readonly paths: readonly string[] },
): PageContent {
  const started = new Date(startedSeconds * 1000);
  const upSeconds = Math.max(0, Math.floor(nowSeconds - startedSeconds));
  const two = (number: number) => String(number).padStart(2, "0");
  const hours = Math.floor(upSeconds / 3600);
  const up = `${hours} hr ${two(Math.floor(upSeconds / 60) % 60)} min ${two(upSeconds % 60)} sec`;
  return {
    kind: "Statusz",
    lines: [
      "",
      `Started: ${unixDate(started)}`,
      `Up: ${up}`,
      `Node version: ${process.version}`,
      `Binary version: ${release}`,
      `Emulation version: ${release}`,
      `Paths: ${paths.join(" ")}`,
    ],
    fields: {
      startTime: started.toISOString().replace(/\.\d+Z$/, "Z"),
      uptimeSeconds: upSeconds,
      // Its clients require a text here; what runs is no Go.
      goVersion: "",
      binaryVersion: release,
      emulationVersion: release,
      paths,
    },
  };
}

export function flagsPage(flags: Readonly<Record<string, string>>): PageContent {
  const names = Object.keys(flags).sort();
  return {
    kind: "Flagz",
    lines: names.map((name) => `${name}: ${flags[name]}`),
    fields: { flags: Object.fromEntries(names.map((name) => [name, flags[name]])) },
  };
}

/** As Go's time.UnixDate: `Sat Nov 28 17:50:05 UTC 2026`. */
function unixDate(date: Date): string {
  const [, weekday, day = "", month, year, time] =
    /^(\w+), (\d+) (\w+) (\d+) ([\d:]+) GMT$/.exec(date.toUTCString()) ?? [];
  return `${weekday} ${month} ${String(Number(day)).padStart(2, " ")} ${time} UTC ${year}`;
}
