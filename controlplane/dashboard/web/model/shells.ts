import type { Ending } from "./remote-command.ts";

/** What a terminal is opened to. */
export const shellChoices = ["shell", "bash", "sh", "attach"] as const;
export type ShellChoice = (typeof shellChoices)[number];

export const shellTitles: Readonly<Record<ShellChoice, string>> = {
  shell: "Shell",
  bash: "bash",
  sh: "sh",
  attach: "Attach to its process",
};

/** bash where there is one, else the shell that asks for it. No word of it comes from outside. */
const bashElseSh = "TERM=xterm-256color; export TERM; command -v bash >/dev/null 2>&1 && exec bash; exec sh";

/** Commands to try one after the other; undefined: the container's own process is attached to. Pure. */
export function commandsFor(choice: ShellChoice): readonly (readonly string[])[] | undefined {
  switch (choice) {
    case "shell":
      return [["sh", "-c", bashElseSh], ["bash"]];
    case "bash":
      return [["bash"]];
    case "sh":
      return [["sh"]];
    case "attach":
      return undefined;
  }
}

/** Whether a session that ended at once did so because the container has no such command. Pure. */
export function isNotThere(ending: Ending): boolean {
  if (ending.is === "exit") return ending.code === 126 || ending.code === 127;
  return (
    ending.is === "failed" &&
    /not found|no such file|cannot find|permission denied|not executable/i.test(ending.message)
  );
}
