import { describe, expect, it } from "vitest";
import { withoutCredentials } from "../../src/core/addresses.ts";
import { formatMessage, msg } from "../../src/core/message.ts";
import { processorMs } from "../harness/processor-time.ts";

describe("an address that is shown", () => {
  it.each([
    ["http://ann:hunter2@gpu-box:11434/v1", "http://gpu-box:11434/v1"],
    ["https://hunter2@gpu-box", "https://gpu-box"],
    ["redis://:hunter2@127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"],
    ["http://ann:hunt@er2@[fe80::1]:80/", "http://[fe80::1]:80/"],
    ["http://ann:hun/ter?2#x@proxy:3128", "http://proxy:3128"],
    ["http://ann%40x:hunter2%2F@proxy", "http://proxy"],
    ["tried http://a:hunter2@b:1 and rediss://c:hunter2@d.", "tried http://b:1 and rediss://d."],
    ['{"url":"http://a:hunter2@b","next":"http://c"}', '{"url":"http://b","next":"http://c"}'],
  ])("%s has neither name nor password", (text, shown) => {
    expect(withoutCredentials(text)).toBe(shown);
  });

  it.each([
    "http://gpu-box:11434/v1/models?x=a@b",
    "https://registry.example/@scope/name@1.2.3",
    "http://localhost:4873/@scope/name",
    "ann@example.org, 12:30@noon, a://b c@d",
    "file:///home/ann/x@y",
  ])("%s stays as it is", (text) => {
    expect(withoutCredentials(text)).toBe(text);
  });

  it("is cleaned in every message, and takes no time for one that is made to take it", () => {
    expect(formatMessage(msg("{0} is {1}", msg("{0}", "http://a:b@c"), "x://y:z@w/"))).toBe("http://c is x://w/");
    const text = `${"a.".repeat(50_000)}${"x://".repeat(20_000)}${"x://a:b".repeat(10_000)}`;
    expect(processorMs(2_000, () => withoutCredentials(text))).toBeLessThan(2_000);
  });
});
