/** What may be done next to a matter, one row each; whether it still may, the hub decides. */
import type { Kind, Matter } from "./matters";
import { LIST, unanswered } from "./matters";

export interface Step {
  kind: Kind;
  verb: string;
  /** A key of words.ts. */
  word: string;
  key: string;
  roles: string[];
  legal: (m: Matter) => boolean;
  body?: Record<string, unknown>;
  /** Asked for before it is sent. */
  needs?: "reason" | "sure";
}

const DESK = ["watch", "approver", "administrator"];
const APPROVERS = ["approver", "administrator"];
const calling = (m: Matter): boolean => !["lifted", "superseded"].includes(m.state);

export const STEPS: Step[] = [
  { kind: "alert", verb: "take", word: "claim", key: "A", roles: DESK, legal: (m) => m.state !== "ended" && !m.claimed },
  { kind: "alert", verb: "confirm", word: "confirm", key: "", roles: DESK,
    legal: (m) => m.state !== "ended" && !m.trusted && !m.confirmed },
  { kind: "callout", verb: "answer", word: "received", key: "1", roles: DESK, legal: calling, body: { answer: "received" } },
  { kind: "callout", verb: "answer", word: "need_support", key: "2", roles: DESK, legal: calling, body: { answer: "need_support" } },
  { kind: "callout", verb: "answer", word: "no_answer", key: "3", roles: DESK, legal: calling, body: { answer: "no_answer" } },
  { kind: "callout", verb: "answer", word: "refused", key: "4", roles: DESK, legal: calling, body: { answer: "refused" } },
  { kind: "callout", verb: "answer", word: "wrong_number", key: "5", roles: DESK, legal: calling, body: { answer: "wrong_number" } },
  { kind: "callout", verb: "call", word: "call_again", key: "C", roles: DESK, legal: unanswered },
  { kind: "notice", verb: "submit", word: "submit", key: "Enter", roles: DESK, legal: (m) => ["drafted", "refused"].includes(m.state), needs: "sure" },
  { kind: "notice", verb: "approve", word: "approve", key: "Enter", roles: APPROVERS, legal: (m) => m.state === "submitted", needs: "sure" },
  { kind: "notice", verb: "refuse", word: "send_back", key: "", roles: APPROVERS, legal: (m) => m.state === "submitted", needs: "reason" },
  { kind: "notice", verb: "lift", word: "lift", key: "", roles: APPROVERS, legal: (m) => ["issued", "overdue", "acknowledged"].includes(m.state), needs: "reason" },
  { kind: "response", verb: "approve", word: "approve", key: "Enter", roles: APPROVERS, legal: (m) => !!m.pending, needs: "sure" },
  { kind: "response", verb: "refuse", word: "send_back", key: "", roles: APPROVERS, legal: (m) => !!m.pending, needs: "reason" },
];

export const stepsOf = (kind: Kind, m: Matter, role: string): Step[] =>
  STEPS.filter((step) => step.kind === kind && step.roles.includes(role) && step.legal(m));

export const pathOf = (step: Step, m: Matter): string =>
  `/warning/${LIST[step.kind]}/${m.id.split("/").map(encodeURIComponent).join("/")}/${step.verb}`;
