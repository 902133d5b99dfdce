import type { Labels } from "../../../../base/label-selector.ts";
import { parseQuantity } from "../../../../base/quantity.ts";
import type { Amounts } from "./series.ts";

/** What the metrics API said at one moment. */
export interface Round {
  readonly nodes: readonly NodeAmounts[];
  readonly pods: readonly PodAmounts[];
}
export interface NodeAmounts extends Amounts {
  readonly name: string;
}
export interface PodAmounts {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Labels;
  readonly containers: readonly NodeAmounts[];
}

const nameLengthMost = 253;

/** Lists of metrics.k8s.io. They come from whoever serves the group: what is no measurement is left out. Pure. */
export function readNodeMetrics(list: unknown): readonly NodeAmounts[] {
  return itemsOf(list).flatMap(({ metadata, usage }) => {
    const name = nameOf(objectOf(metadata).name);
    const amounts = amountsOf(usage);
    return name === undefined || amounts === undefined ? [] : [{ name, ...amounts }];
  });
}

export function readPodMetrics(list: unknown): readonly PodAmounts[] {
  return itemsOf(list).flatMap(({ metadata, containers }) => {
    const { namespace: namespaceGiven, name: nameGiven, labels } = objectOf(metadata);
    const [namespace, name] = [nameOf(namespaceGiven), nameOf(nameGiven)];
    if (namespace === undefined || name === undefined || !Array.isArray(containers)) return [];
    const measured = containers.flatMap((container: unknown) => {
      const { name: containerGiven, usage } = objectOf(container);
      const [containerName, amounts] = [nameOf(containerGiven), amountsOf(usage)];
      return containerName === undefined || amounts === undefined
        ? []
        : [{ name: containerName, ...amounts }];
    });
    return [{ namespace, name, labels: labelsOf(labels), containers: measured }];
  });
}

type JsonObject = Readonly<Record<string, unknown>>;

function itemsOf(list: unknown): readonly JsonObject[] {
  const { items } = objectOf(list);
  return Array.isArray(items) ? items.map(objectOf) : [];
}

function objectOf(value: unknown): JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}

function nameOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" && value.length <= nameLengthMost ? value : undefined;
}

function labelsOf(value: unknown): Labels {
  const labels = objectOf(value);
  return Object.values(labels).every((one) => typeof one === "string") ? (labels as Labels) : {};
}

function amountsOf(usage: unknown): Amounts | undefined {
  const { cpu, memory } = objectOf(usage);
  const amounts = { cpu: amountIn(cpu), memory: amountIn(memory) };
  return amounts.cpu >= 0 && amounts.memory >= 0 ? amounts : undefined;
}

/** Not a number for what is none. */
function amountIn(quantity: unknown): number {
  try {
    return typeof quantity === "string" ? parseQuantity(quantity) : Number.NaN;
  } catch {
    return Number.NaN;
  }
}
