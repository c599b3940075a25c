import { expect, it } from "vitest";
import { nodeAddresses } from "../../src/backends/node-addresses.ts";

const resolve = async (name: string): Promise<readonly string[]> => {
  const known: Readonly<Record<string, readonly string[]>> = {
    "pool.lan": ["10.0.0.5", "10.0.0.6", "fd00::7"],
    "one.lan": ["10.0.0.5"],
    "trap.lan": ["169.254.169.254"],
    "half-trap.lan": ["10.0.0.5", "::ffff:169.254.169.254"],
    "other-trap.lan": ["100.100.100.200"],
    "zone-trap.lan": ["fe80::1%eth0"],
  };
  const found = known[name];
  if (!found) throw new Error("ENOTFOUND");
  return found;
};
const online = { isOffline: false, resolve };

it("every address of a name is a server of its own; privacy goes by the name", async () => {
  const { nodes } = await nodeAddresses([{ url: "http://pool.lan", slots: 2 }], online);
  expect(nodes).toEqual(
    [
      {
        kind: "ollama",
        address: "http://10.0.0.5:80",
        host: "pool.lan",
        label: "10.0.0.5 (pool.lan)",
        slots: 2,
      },
      expect.objectContaining({ label: "10.0.0.6 (pool.lan)" }),
      expect.objectContaining({ label: "[fd00::7] (pool.lan)" }),
    ].map((each, at) => (at === 0 ? expect.objectContaining({ host: "pool.lan", slots: 2, kind: "ollama" }) : each)),
  );
});

it("a name with one address, an address and a name with a certificate stay as they are", async () => {
  const urls = ["http://one.lan:11434", "http://10.0.0.9:11434", "https://pool.lan/v1", "http://127.0.0.1:8000/v1"];
  const { nodes } = await nodeAddresses(
    urls.map((url) => ({ url, kind: "openai" as const })),
    online,
  );
  expect(nodes.map(({ address }) => address)).toEqual(urls);
});

it("the same server named twice is one", async () => {
  const { nodes } = await nodeAddresses([{ url: "http://10.0.0.9:11434" }, { url: "http://10.0.0.9:11434/" }], online);
  expect(nodes).toHaveLength(1);
});

it("case 46: no name leads to where a cloud answers with its machine's secrets", async () => {
  const { nodes, tried } = await nodeAddresses(
    ["trap", "half-trap", "other-trap", "zone-trap"].map((name) => ({ url: `http://${name}.lan:11434` })),
    online,
  );
  expect(nodes).toEqual([]);
  expect(tried.map(({ outcome }) => outcome)).toEqual(Array(4).fill("leads to an address of the network itself"));
});

it("offline, no name is looked up and nothing elsewhere is asked", async () => {
  const never = async () => {
    throw new Error("looked up");
  };
  const { nodes, tried } = await nodeAddresses(
    [{ url: "http://pool.lan:11434" }, { url: "http://127.0.0.1:11500" }, { url: "http://10.0.0.9:11434" }],
    { isOffline: true, resolve: never },
  );
  expect(nodes.map(({ address }) => address)).toEqual(["http://127.0.0.1:11500"]);
  expect(tried.map(({ outcome }) => outcome)).toEqual(["not asked: Offline is on", "not asked: Offline is on"]);
});

it("a name that nobody knows is told", async () => {
  const { nodes, tried } = await nodeAddresses([{ url: "http://gone.lan:11434" }], online);
  expect(nodes).toEqual([]);
  expect(tried).toEqual([{ address: "http://gone.lan:11434", outcome: "name not found" }]);
});
