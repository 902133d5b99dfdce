const signals: Readonly<Record<number, string>> = {
  1: "SIGHUP",
  2: "SIGINT",
  3: "SIGQUIT",
  4: "SIGILL: it ran an instruction that this processor does not have",
  6: "SIGABRT: it gave itself up",
  7: "SIGBUS: a memory fault",
  8: "SIGFPE: an arithmetic fault",
  9: "SIGKILL: it was killed",
  11: "SIGSEGV: a memory fault",
  13: "SIGPIPE: nobody read what it wrote",
  14: "SIGALRM",
  15: "SIGTERM: it was told to end",
  24: "SIGXCPU: it used up its processor time",
  25: "SIGXFSZ: it wrote a file that was too large",
  31: "SIGSYS: it made a system call that its seccomp profile forbids",
};

const codes: Readonly<Record<number, string>> = {
  0: "it did its work and left, where it is to stay",
  1: "an error of its own",
  126: "its command cannot be run",
  127: "its command is not there",
  128: "it could not be started",
};

/** What an exit code tells. */
export function exitText(exitCode: number | undefined, reason?: string): string {
  if (reason === "OOMKilled") return "it took more memory than its limit, and was killed (OOMKilled)";
  if (exitCode === undefined) return reason ?? "nobody knows how";
  if (exitCode > 128 && exitCode < 160) {
    const signal = exitCode - 128;
    return `exit code ${exitCode}, signal ${signal}${signals[signal] === undefined ? "" : `, ${signals[signal]}`}`;
  }
  return `exit code ${exitCode}${codes[exitCode] === undefined ? "" : `, ${codes[exitCode]}`}`;
}
