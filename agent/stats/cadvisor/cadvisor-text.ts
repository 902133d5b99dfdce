import { cadvisorFamilies, type Measured } from "./families.ts";

/** In Prometheus' text format. Pure. */
export function cadvisorText(all: readonly Measured[], about: About): string {
  let text = versionText(about) + machineText(about);
  for (const { name, help, type, of } of cadvisorFamilies) {
    let lines = "";
    for (const one of all)
      for (const [labels, value] of of(one))
        if (value !== undefined)
          lines += `${name}{${one.labels}${labels === "" ? "" : `,${labels}`}} ${value}\n`;
    if (lines !== "") text += `${heading(name, help, type)}${lines}`;
  }
  const seen = "container_last_seen";
  const nowSeconds = Math.floor(about.nowMs / 1000);
  text += heading(seen, "Last time a container was seen by the exporter", "gauge");
  for (const { labels } of all) text += `${seen}{${labels}} ${nowSeconds}\n`;
  const failed = "container_scrape_error";
  return `${text}${heading(failed, "1 if there was an error while getting container metrics, 0 otherwise", "gauge")}${failed} 0\n`;
}

/** The machine that is measured. */
export interface About {
  readonly nowMs: number;
  readonly kernel: string;
  readonly osImage: string;
  readonly version: string;
  readonly machineId: string;
  readonly bootId: string;
  readonly cpus: { readonly cores: number; readonly physicalCores: number; readonly sockets: number };
  readonly memoryBytes: number;
  readonly swapBytes: number;
}

const heading = (name: string, help: string, type: string) =>
  `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;

function versionText({ kernel, osImage, version }: About): string {
  const name = "cadvisor_version_info";
  const help =
    "A metric with a constant '1' value labeled by kernel version, OS version, docker version, cadvisor version & cadvisor revision.";
  const labels = labelsText({
    cadvisorRevision: "",
    cadvisorVersion: version,
    dockerVersion: "",
    kernelVersion: kernel,
    osVersion: osImage,
  });
  return `${heading(name, help, "gauge")}${name}{${labels}} 1\n`;
}

function machineText({ machineId, bootId, cpus, memoryBytes, swapBytes }: About): string {
  const labels = labelsText({ boot_id: bootId, machine_id: machineId, system_uuid: machineId });
  const rows: readonly (readonly [name: string, help: string, value: number])[] = [
    ["machine_cpu_cores", "Number of logical CPU cores.", cpus.cores],
    ["machine_cpu_physical_cores", "Number of physical CPU cores.", cpus.physicalCores],
    ["machine_cpu_sockets", "Number of CPU sockets.", cpus.sockets],
    ["machine_memory_bytes", "Amount of memory installed on the machine.", memoryBytes],
    ["machine_swap_bytes", "Amount of swap memory available on the machine.", swapBytes],
  ];
  return rows
    .map(([name, help, value]) => `${heading(name, help, "gauge")}${name}{${labels}} ${value}\n`)
    .join("");
}

/** Images' names are their registries', and may be anything. */
export function labelsText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${value.replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n")}"`)
    .join(",");
}
