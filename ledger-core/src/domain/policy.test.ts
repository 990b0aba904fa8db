import { describe, expect, it } from "vitest";
import { auditor, consumer, merchant, operator, service, stranger, TENANT } from "../testing/examples.ts";
import { type Role, roles } from "./caller.ts";
import type { ClientCommand } from "./commands.ts";
import { mayRead, maySend, mayUse, seesWholeTenant } from "./policy.ts";

/** Who may command, written out once more by hand: o operator, s service, c consumer, m merchant. */
const senders: Record<ClientCommand["type"], string> = {
  OpenAccount: "os",
  FreezeAccount: "o",
  UnfreezeAccount: "o",
  CloseAccount: "o",
  PostTransfer: "os",
  TopUpAccount: "os",
  PayOut: "osm",
  MakePayment: "oscm",
  CapturePayment: "osm",
  VoidPayment: "osm",
  RefundPayment: "osm",
};
const letters: Record<Role, string> = {
  operator: "o",
  service: "s",
  consumer: "c",
  merchant: "m",
  auditor: "a",
  platform: "p",
};
const commands = Object.keys(senders).filter((type): type is ClientCommand["type"] => type in senders);

describe.each(roles)("%s", (role) => {
  it.each(commands)("may send %s exactly when the API says so", (command) => {
    expect(maySend(role, command)).toBe(senders[command].includes(letters[role]));
  });
});

describe("an account may be used", () => {
  const account = { tenant: TENANT, owner: "alice" };
  const others = { tenant: "tenant-b", owner: "alice" };

  it("by operators and services of its tenant, by its owner, by nobody else", () => {
    const callers = [operator, service, consumer("alice"), merchant("alice")];
    for (const caller of callers) expect(mayUse(caller, account), caller.role).toBe(true);
    for (const caller of [consumer("bob"), merchant("bob"), consumer(""), auditor, stranger]) {
      expect(mayUse(caller, account), `${caller.role} ${caller.sub}`).toBe(false);
    }
  });

  it("by nobody of another tenant, even under the owner's name", () => {
    for (const caller of [operator, service, consumer("alice"), merchant("alice"), auditor]) {
      expect(mayUse(caller, others), caller.role).toBe(false);
    }
  });
});

describe("an object may be read", () => {
  const object = { tenant: TENANT, owners: ["alice", "sam"] };

  it("by operators, auditors and services of its tenant, and by the owners of what it touches", () => {
    const callers = [operator, service, auditor, consumer("alice"), merchant("sam")];
    for (const caller of callers) expect(mayRead(caller, object), caller.role).toBe(true);
    for (const caller of [consumer("bob"), merchant("bob"), stranger, { ...consumer("alice"), tenant: "tenant-b" }]) {
      expect(mayRead(caller, object), `${caller.role} ${caller.sub}`).toBe(false);
    }
  });

  it("never by the platform role, not even under an owner's name", () => {
    const platform = { ...consumer("alice"), role: "platform" } as const;
    expect(mayRead(platform, object)).toBe(false);
    expect(mayUse(platform, { tenant: TENANT, owner: "alice" })).toBe(false);
    expect(seesWholeTenant("platform")).toBe(false);
  });

  it("as a whole tenant by operators, auditors and services", () => {
    expect(roles.filter(seesWholeTenant)).toEqual(["operator", "service", "auditor"]);
  });
});
