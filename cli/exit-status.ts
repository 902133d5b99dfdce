/** How each command ends. */
export const exitStatuses: readonly { readonly status: string; readonly means: string }[] = [
  { status: "0", means: "It did what it was asked for." },
  {
    status: "1",
    means:
      "Something outside is not as it is needed: the cluster, a file, the machine. The message on standard error says what, and what to do about it.",
  },
  {
    status: "2",
    means: "It was called wrongly: an unknown command or flag, or a value that cannot be. Nothing was done.",
  },
  {
    status: "3",
    means: "`pintle why` or `pintle doctor` did what it was asked for, and found something wrong.",
  },
  { status: "130", means: "It was ended by a second Ctrl-C before it could end in good order." },
];
