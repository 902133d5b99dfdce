import { join, resolve } from "node:path";
import type { Source } from "../../shipping/record.ts";
import type { ClusterPlan } from "./cluster-state.ts";
import type { Layout } from "./layout.ts";

/** Where logs go, and which of them: only who has some is told. */
export interface PlannedShipping {
  readonly file: string;
  readonly sources: readonly Source[];
}

/** Throws UsageError that names what is wrong in the file. Undefined for no file. */
export async function plannedShipping(file: string | undefined): Promise<PlannedShipping | undefined> {
  if (!file) return undefined;
  const { readShippingFile } = await import("../../shipping/config/read-config.ts");
  const { sources } = await import("../../shipping/record.ts");
  const path = resolve(file);
  const { shipments } = readShippingFile("log-shipping", path);
  const selections = shipments.flatMap((one) => one.selections);
  const isWanted = (source: Source) => selections.some((one) => (one.source ?? source) === source);
  return { file: path, sources: sources.filter(isWanted) };
}

export function apiserverShipping({ logShipping }: ClusterPlan, layout: Layout, number: number): string[] {
  if (logShipping?.sources.includes("audit") !== true) return [];
  return [
    `--log-shipping=${logShipping.file}`,
    `--log-shipping-dir=${join(layout.folder, "log-shipping", `apiserver-${number}`)}`,
  ];
}

export function managerShipping({ logShipping }: ClusterPlan): string[] {
  return logShipping?.sources.includes("events") === true ? [`--log-shipping=${logShipping.file}`] : [];
}

/** Components of one machine are for one node to ship. */
export function agentShipping({ logShipping }: ClusterPlan, number: number): string[] {
  const has = (source: Source) => logShipping?.sources.includes(source) === true;
  const isShipper = has("components") && number === 1;
  if (!has("containers") && !isShipper) return [];
  return [`--log-shipping=${logShipping?.file}`];
}
