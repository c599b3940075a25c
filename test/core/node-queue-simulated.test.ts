// Thousands of requests on simulated nodes: how long they wait with our queue. `npm run bench` prints the same at length.
import { expect, it } from "vitest";
import { type Farm, farms, waitP95 } from "../../scripts/bench/balance.ts";

const extent = { requests: 5_000, seeds: 3 };

it.each(farms)("$name: nobody waits much longer than with a queue that knows every speed", async (farm) => {
  const [own, best] = await Promise.all([waitP95("ours", farm, extent), waitP95("ideal", farm, extent)]);
  expect(best).toBeGreaterThan(1);
  expect(own).toBeLessThanOrEqual(1.1 * best);
});

it.each(farms)("$name: requests wait at most half as long as with taking turns", async (farm: Farm) => {
  const [own, usual] = await Promise.all([waitP95("ours", farm, extent), waitP95("roundRobin", farm, extent)]);
  expect(own).toBeLessThanOrEqual(0.55 * usual);
});
