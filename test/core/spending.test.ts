// Days and months are those of this machine's clock, wherever it is and whatever was done to it.
import { afterEach, describe, expect, it, vi } from "vitest";
import { periodsOf } from "../../src/core/spending.ts";
import { openLedger } from "../store/ledger-processes.ts";
import { temporaryFolder } from "../store/sample.ts";
import { entry } from "../store/sample-entries.ts";

afterEach(() => vi.unstubAllEnvs());
const budgets = { dailyUsd: 2, monthlyUsd: 20 };
const utc = (text: string) => Date.parse(`${text}Z`);

describe("what counts against the budgets", () => {
  it.each([
    ["Asia/Shanghai", "2026-11-30T15:59:59", "2026-11-29T16:00:00", "2026-10-31T16:00:00"],
    ["Asia/Shanghai", "2026-11-30T16:00:00", "2026-11-30T16:00:00", "2026-11-30T16:00:00"],
    ["America/New_York", "2027-01-01T04:59:59", "2026-12-31T05:00:00", "2026-12-01T05:00:00"],
    // The day that has 25 hours, and the month it is in.
    ["America/New_York", "2026-11-02T04:30:00", "2026-11-01T04:00:00", "2026-11-01T04:00:00"],
    ["UTC", "2028-02-29T12:00:00", "2028-02-29T00:00:00", "2028-02-01T00:00:00"],
  ])("in %s at %s UTC begins at midnight there, and at the first", (zone, now, day, month) => {
    vi.stubEnv("TZ", zone);
    expect(periodsOf(utc(now))).toEqual({ dayMs: utc(day), monthMs: utc(month) });
  });

  it("is forgotten by no clock that is set back, and by a new day only for the day", async () => {
    vi.stubEnv("TZ", "UTC");
    const { ledger } = openLedger(temporaryFolder());
    const spend = (id: string, at: string, costUsd: number) =>
      ledger.reserve({ ...entry(id), atMs: utc(at), costUsd }, budgets);
    await spend("a", "2026-11-30T23:59:00", 1.9);
    // The clock goes back an hour, a day and a month: what was spent "later" counts.
    for (const at of ["2026-11-30T22:59:00", "2026-11-29T23:59:00", "2026-10-30T12:00:00"]) {
      await expect(spend(`b ${at}`, at, 0.2), at).rejects.toMatchObject({ kind: "cloud-limit" });
    }
    // A new month, and day.
    await spend("c", "2026-12-01T00:00:00", 1.9);
    await spend("d", "2026-12-02T00:00:00", 1.9);
    await expect(spend("e", "2026-12-02T00:01:00", 0.2)).rejects.toMatchObject({ kind: "cloud-limit" });
    expect((await ledger.list()).map(({ id }) => id)).toEqual(["d", "c", "a"]);
    await ledger.dispose();
  });
});
