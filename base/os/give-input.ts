import type { ChildProcess } from "node:child_process";

/** Gives a program its whole input. One that ends without reading it all is no fault of ours: its exit status tells the story. */
export function giveInput({ stdin }: Pick<ChildProcess, "stdin">, input: string | Uint8Array = ""): void {
  stdin?.on("error", () => stdin.destroy());
  stdin?.end(input);
}
