import type { Subject } from "./question.ts";

/** Queries of what was used, by the names that kubelets and our agents serve (cAdvisor's and those of /metrics/resource). They are
 *  made here from fixed texts and names; nothing that a browser says is one. Pure. */

export interface QueryOf {
  readonly cpu: string;
  readonly memory: string;
  /** The label that says which series is which; `""` where there is one alone. */
  readonly label: "" | "container" | "pod" | "node";
}

/** @param names Of the pods that are asked for, where that is by their labels. */
export function queryOf(subject: Subject, names: readonly string[], stepSeconds: number): QueryOf {
  const window = `${Math.max(120, 4 * stepSeconds)}s`;
  const container = (labels: string) => ({
    cpu: `rate(container_cpu_usage_seconds_total{${labels},${realContainers}}[${window}])`,
    memory: `container_memory_working_set_bytes{${labels},${realContainers}}`,
  });
  const node = (label: string) => ({
    cpu: `rate(node_cpu_usage_seconds_total${label}[${window}])`,
    memory: `node_memory_working_set_bytes${label}`,
  });
  // The same container may be measured by two jobs, and each counts once.
  const each = (by: string, { cpu, memory }: Measured) =>
    both({ cpu, memory }, (text) => `max by (${by}) (${text})`);
  const sum = (by: string, measured: Measured) =>
    both(each("namespace, pod, container", measured), (text) => `sum by (${by}) (${text})`);
  switch (subject.of) {
    case "cluster":
      return { ...each("node, instance", node("")), label: "node" };
    case "node": {
      const [byNode, byInstance] = ["node", "instance"].map((label) =>
        node(`{${label}=${quoted(subject.name)}}`),
      );
      const either = (of: keyof Measured) => `max(${byNode?.[of]} or ${byInstance?.[of]})`;
      return { cpu: either("cpu"), memory: either("memory"), label: "" };
    }
    case "namespace":
      return { ...sum("namespace", container(`namespace=${quoted(subject.namespace)}`)), label: "" };
    case "pod":
      return {
        ...each("container", container(`namespace=${quoted(subject.namespace)},pod=${quoted(subject.name)}`)),
        label: "container",
      };
    case "pods": {
      const anyOf = quoted(names.map(escapedRegExp).join("|"));
      return {
        ...sum("pod", container(`namespace=${quoted(subject.namespace)},pod=~${anyOf}`)),
        label: "pod",
      };
    }
  }
}

interface Measured {
  readonly cpu: string;
  readonly memory: string;
}

/** cAdvisor measures a pod's whole and its pause container, too. */
const realContainers = 'container!="",container!="POD"';

const both = ({ cpu, memory }: Measured, around: (text: string) => string): Measured => ({
  cpu: around(cpu),
  memory: around(memory),
});

/** A label's value as PromQL has it. */
export function quoted(value: string): string {
  return `"${value.replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n")}"`;
}

export function escapedRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|-]/g, "\\$&");
}
