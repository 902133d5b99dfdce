import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parse } from "yaml";
import { parseSelector, SelectorError } from "../../base/label-selector.ts";
import { UsageError } from "../../base/os/flags.ts";
import type { BufferRules } from "../buffer/disk-buffer.ts";
import type { SenderRules } from "../core/sender.ts";
import { type Source, sources } from "../record.ts";
import type { Selection } from "../selection.ts";
import { problemText, Section, type Tell } from "./reading.ts";
import { type ReceiverChoice, readReceiver } from "./receivers.ts";

/** `kind: LogShipping`: where which logs go. */
export interface ShippingConfig {
  readonly cluster: string | undefined;
  readonly shipments: readonly ShipmentConfig[];
}

export interface ShipmentConfig {
  readonly name: string;
  /** A record goes that one of them selects. */
  readonly selections: readonly Selection[];
  readonly receiver: ReceiverChoice;
  readonly sending: SenderRules;
  readonly buffer: BufferRules;
}

const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;
const day = 86_400_000;
/** So that a segment is a small part of its buffer. */
const segmentsLeast = 8;
const segmentBytesMax = 8 * MiB;
const fileBytesMax = 4 * MiB;

/** Reads the file; throws UsageError that names every problem, one a line. */
export function readShippingFile(flag: string, path: string): ShippingConfig {
  const problems: string[] = [];
  const tell: Tell = (...said) => problems.push(`--${flag}: ${path}: ${problemText(...said)}`);
  let config: ShippingConfig | undefined;
  try {
    const text = readFileSync(path, "utf8");
    if (text.length > fileBytesMax) throw new Error("the file is too long");
    config = readShippingConfig(parse(text, { maxAliasCount: 0 }), dirname(resolve(path)), tell);
  } catch (error) {
    problems.push(`--${flag}: ${path}: ${error instanceof Error ? error.message : error}`);
  }
  if (config === undefined || problems.length > 0) throw new UsageError(problems.join("\n"));
  return config;
}

/** @param folder Whose files are named without a path of their own. */
export function readShippingConfig(document: unknown, folder: string, tell: Tell): ShippingConfig {
  const top = new Section(document, "", tell);
  top.choice("apiVersion", ["pintle.dev/v1alpha1"], "pintle.dev/v1alpha1");
  if (!top.has("apiVersion")) top.refuse("apiVersion", "is not pintle.dev/v1alpha1");
  if (top.text("kind") !== "LogShipping") top.refuse("kind", "is not LogShipping");
  const cluster = top.text("cluster");
  const shipments = top.sections("receivers").map((section) => readShipment(section, { folder, cluster }));
  if (shipments.length === 0) top.refuse("receivers", "has no receiver");
  const names = new Set<string>();
  for (const { name } of shipments) {
    if (names.has(name)) tell("receivers", name, "is the name of two");
    names.add(name);
  }
  top.end();
  return { cluster, shipments };
}

interface Around {
  readonly folder: string;
  readonly cluster: string | undefined;
}

function readShipment(section: Section, { folder, cluster }: Around): ShipmentConfig {
  const name = section.text("name") ?? "";
  if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name))
    section.refuse("name", "is not a DNS label: letters in lower case, digits and dashes");
  const selections = section.sections("select").map(readSelection);
  const receiver = readReceiver(section, { folder, cluster });
  const sending = readSending(section);
  const buffer = readBuffer(section);
  section.end();
  return { name, selections: selections.length === 0 ? [{}] : selections, receiver, sending, buffer };
}

function readSelection(section: Section): Selection {
  const source = section.has("source") ? section.choice<Source>("source", sources, "containers") : undefined;
  const namespaces = section.texts("namespaces");
  const except = section.texts("exceptNamespaces");
  const text = section.text("labelSelector");
  if (text !== undefined && source !== undefined && source !== "containers")
    section.refuse("labelSelector", `selects containers; ${source} have no labels`);
  if (source === "components" && (namespaces.length > 0 || except.length > 0))
    section.refuse(namespaces.length > 0 ? "namespaces" : "exceptNamespaces", "components have no namespace");
  let labels: Selection["labels"];
  try {
    labels = text === undefined ? undefined : parseSelector(text);
  } catch (error) {
    if (!(error instanceof SelectorError)) throw error;
    section.refuse("labelSelector", error.message);
  }
  section.end();
  return {
    ...(source !== undefined && { source }),
    ...(namespaces.length > 0 && { namespaces: new Set(namespaces) }),
    ...(except.length > 0 && { exceptNamespaces: new Set(except) }),
    ...(labels !== undefined && { labels }),
  };
}

function readSending(section: Section): SenderRules {
  const batch = section.section("batch");
  const retry = section.section("retry");
  const rules = {
    batchRecordsMax: batch?.count("maxRecords", { fallback: 1000, min: 1, max: 100_000 }) ?? 1000,
    batchBytesMax: batch?.bytes("maxBytes", { fallback: MiB, min: KiB, max: 64 * MiB }) ?? MiB,
    batchWaitMs: batch?.span("maxWait", { fallback: 1000, minMs: 0, maxMs: 600_000 }) ?? 1000,
    backoff: {
      firstMs: retry?.span("firstWait", { fallback: 500, minMs: 1, maxMs: 60_000 }) ?? 500,
      mostMs: retry?.span("maxWait", { fallback: 30_000, minMs: 1, maxMs: 3_600_000 }) ?? 30_000,
    },
    giveUpAfterMs:
      retry?.span("giveUpAfter", { fallback: Number.POSITIVE_INFINITY, minMs: 1000, maxMs: 365 * day }) ??
      Number.POSITIVE_INFINITY,
  };
  batch?.end();
  retry?.end();
  return rules;
}

function readBuffer(section: Section): BufferRules {
  const buffer = section.section("buffer");
  const limits = { fallback: 512 * MiB, min: 4 * MiB, max: 1024 * GiB };
  const bytesMax = buffer?.bytes("maxBytes", limits) ?? limits.fallback;
  const whenFull =
    buffer?.choice("whenFull", ["stop-reading", "drop-oldest"], "stop-reading") ?? "stop-reading";
  buffer?.end();
  return {
    bytesMax,
    segmentBytes: Math.min(segmentBytesMax, Math.floor(bytesMax / segmentsLeast)),
    whenFull,
  };
}
