// Addresses at which clouds give their machines keys. Nothing that was found by itself is asked there.
import { BlockList, isIP } from "node:net";

/** Names and addresses of clouds' own services that are not link-local. */
const names = ["metadata", "metadata.google.internal", "instance-data", "instance-data.ec2.internal"];

function createList(): BlockList {
  const list = new BlockList();
  list.addSubnet("169.254.0.0", 16, "ipv4");
  list.addAddress("100.100.100.200", "ipv4");
  list.addAddress("192.0.0.192", "ipv4");
  list.addSubnet("fe80::", 10, "ipv6");
  list.addAddress("fd00:ec2::254", "ipv6");
  return list;
}

/** @param address a URL; numbers and other ways of writing an address are read as a client would read them */
export function isLinkLocal(address: string): boolean {
  const host = (URL.parse(address)?.hostname ?? "").replace(/^\[|\]$/g, "").replace(/\.$/, "");
  const kind = isIP(host);
  if (kind === 0) return names.includes(host.toLowerCase());
  return createList().check(host, kind === 4 ? "ipv4" : "ipv6");
}
