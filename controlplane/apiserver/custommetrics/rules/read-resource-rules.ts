import { noUnknown, recordOf } from "../../read-document.ts";
import { durationMs } from "../query/tokens.ts";
import type { QueryTemplate } from "./query-template.ts";
import type { ResourceMapping } from "./rule.ts";

/** How metrics.k8s.io is asked of a Prometheus. */
export interface ResourceRules {
  readonly cpu: ResourceRule;
  readonly memory: ResourceRule;
  /** Over which CPU is averaged, as clients are told. */
  readonly windowMs: number;
}

export interface ResourceRule {
  readonly place: string;
  readonly containerQuery: QueryTemplate;
  readonly nodeQuery: QueryTemplate;
  readonly resources: ResourceMapping;
  /** Names a container among the labels of `containerQuery`. */
  readonly containerLabel: string;
}

/** How fields are read that other rules have, too; what is wrong is added to `found`. */
export interface FieldReaders {
  query(value: unknown, field: string, found: string[]): QueryTemplate | undefined;
  mapping(value: unknown, found: string[]): ResourceMapping;
}

const windowMsDefault = 60_000;

/** Undefined where something is wrong. */
export function readResourceRules(
  value: unknown,
  problems: string[],
  readers: FieldReaders,
): ResourceRules | undefined {
  const found: string[] = [];
  const { cpu, memory, window, ...rest } = recordOf(value, "resourceRules", found);
  noUnknown(rest, "resourceRules.", found);
  const read = {
    cpu: ruleOf(cpu, "resourceRules.cpu", found, readers),
    memory: ruleOf(memory, "resourceRules.memory", found, readers),
    windowMs: windowOf(window, found),
  };
  problems.push(...found);
  return found.length === 0 ? (read as ResourceRules) : undefined;
}

function windowOf(value: unknown, found: string[]): number {
  if (value === undefined || value === null) return windowMsDefault;
  if (typeof value === "string" && /^(\d+(ms|[smhdwy]))+$/.test(value)) return durationMs(value);
  found.push(`resourceRules.window: ${JSON.stringify(value)} is no duration such as 5m`);
  return windowMsDefault;
}

function ruleOf(
  value: unknown,
  place: string,
  problems: string[],
  { query, mapping }: FieldReaders,
): Partial<ResourceRule> {
  const found: string[] = [];
  const { containerQuery, nodeQuery, resources, containerLabel, ...rest } = recordOf(
    value ?? {},
    place,
    problems,
  );
  noUnknown(rest, "", found);
  const label = typeof containerLabel === "string" ? containerLabel : "";
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(label))
    found.push(`containerLabel: ${JSON.stringify(containerLabel) ?? "nothing"} is no name of a label`);
  const container = query(containerQuery, "containerQuery", found);
  const node = query(nodeQuery, "nodeQuery", found);
  const read = { place, containerLabel: label, resources: mapping(resources, found) };
  problems.push(...found.map((problem) => `${place}.${problem}`));
  return { ...read, ...(container && { containerQuery: container }), ...(node && { nodeQuery: node }) };
}
