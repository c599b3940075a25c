import { cpus } from "node:os";

/** Share of all processors in use since the last call, 0 to 1. */
export function createCpuMeter(): () => number {
  const read = () =>
    cpus().reduce(
      (sum, { times }) => {
        const all = times.user + times.nice + times.sys + times.idle + times.irq;
        return { busy: sum.busy + all - times.idle, all: sum.all + all };
      },
      { busy: 0, all: 0 },
    );
  let last = read();
  return () => {
    const now = read();
    const share = now.all > last.all ? (now.busy - last.busy) / (now.all - last.all) : 0;
    last = now;
    return share;
  };
}
