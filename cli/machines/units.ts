/** systemd's units for a server and an agent. Pure. */
export interface UnitChoice {
  readonly kind: "server" | "agent";
  /** The words that run `pintle`, absolute. */
  readonly program: readonly string[];
  /** Its flags. */
  readonly flags: readonly string[];
}

export const unitName = (kind: UnitChoice["kind"]): string => `pintle-${kind}.service`;

/** Neither is a sandbox: a server is root's for its files, an agent for its pods. Pods outlive their agent, which finds them again:
 *  so only the agent itself is ended with its unit. */
export function unitText({ kind, program, flags }: UnitChoice): string {
  const isAgent = kind === "agent";
  return `${[
    "[Unit]",
    `Description=Pintle ${isAgent ? "node agent" : "control plane"}`,
    "After=network-online.target",
    "Wants=network-online.target",
    // It is tried again for as long as it takes.
    "StartLimitIntervalSec=0",
    "",
    "[Service]",
    "Type=exec",
    `ExecStart=${[...program, kind, ...flags].map(unitWord).join(" ")}`,
    "Restart=always",
    "RestartSec=2s",
    // What was asked for cannot be had: to ask again changes nothing.
    "RestartPreventExitStatus=2",
    "LimitNOFILE=1048576",
    "UMask=0077",
    ...(isAgent ? ["Delegate=yes", "KillMode=process", "TasksMax=infinity"] : ["TimeoutStopSec=30s"]),
    "",
    "[Install]",
    "WantedBy=multi-user.target",
  ].join("\n")}\n`;
}

/** A word of a command line as systemd reads it: neither specifiers, nor variables, nor ends of words or lines in it count. Throws
 *  where it cannot be said. */
export function unitWord(word: string): string {
  if (/\p{Cc}/u.test(word))
    throw new RangeError(`${JSON.stringify(word)} has characters that no unit can hold`);
  const plain = word.replaceAll("%", "%%").replaceAll("$", "$$$$");
  if (/^[\w./:=,@%$+~-]+$/.test(plain)) return plain;
  return `"${plain.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}
