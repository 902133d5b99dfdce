/** A node without volumes of other machines. */
export const noRemote = {
  show: async () => {
    throw new Error("there are no volumes of other machines");
  },
  pathOf: async () => undefined,
  hideAll: async () => undefined,
  isUsed: async () => false,
};
