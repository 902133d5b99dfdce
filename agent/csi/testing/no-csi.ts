/** A node without CSI drivers. */
export const noCsi = {
  show: async () => {
    throw new Error("there are no CSI drivers");
  },
  pathFor: () => undefined,
  hideAll: async () => undefined,
};

export const noExpansion = { expandShown: async () => undefined };
