/** A device's numbers in Linux' own packing. */
export const deviceNumbers = (packed: number) => ({
  major: ((packed >>> 8) & 0xfff) | (Math.floor(packed / 2 ** 32) & ~0xfff),
  minor: (packed & 0xff) | ((packed >>> 12) & ~0xff),
});
