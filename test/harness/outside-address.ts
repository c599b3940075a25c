import { networkInterfaces } from "node:os";

/** An address of this machine, and yet none that only this machine can reach; undefined where it has none. */
export const outsideAddress = Object.values(networkInterfaces())
  .flatMap((each) => each ?? [])
  .find(({ internal, family }) => !internal && family === "IPv4")?.address;
