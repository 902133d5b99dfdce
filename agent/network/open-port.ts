import { procText } from "../../base/os/proc.ts";
import type { Service } from "../../client/types.ts";

/** Of `/proc/self/status`: who has it listens on every port. */
const netBindService = 10n;
const usualLowest = 1024;
const higher = 10_000;

/** The lowest port that this process may listen on. */
export const ownLowestPort = (): number =>
  lowestPort(procText("/proc/self/status"), procText("/proc/sys/net/ipv4/ip_unprivileged_port_start"));

/** Of what Linux says of a process and of all. Pure. */
export function lowestPort(status: string, unprivilegedStart: string): number {
  const capabilities = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0";
  if (((BigInt(`0x${capabilities}`) >> netBindService) & 1n) === 1n) return 0;
  const start = Number.parseInt(unprivilegedStart, 10);
  return Number.isInteger(start) ? start : usualLowest;
}

/** Where a Service's port is answered in user space: itself, or higher where the process may not listen there. */
export const openPort = (port: number, lowest: number): number => (port < lowest ? port + higher : port);

/** Services as pods hear of them that reach them in user space. */
export function withOpenPorts(services: readonly Service[], lowest: number): readonly Service[] {
  const isClosed = ({ port }: { readonly port: number }) => openPort(port, lowest) !== port;
  return services.map((service) => {
    const { ports } = service.spec;
    if (!ports?.some(isClosed)) return service;
    const open = ports.map((one) => ({ ...one, port: openPort(one.port, lowest) }));
    return { ...service, spec: { ...service.spec, ports: open } };
  });
}
