/** What happened to a matter, a line each. */
import { calledPlace as place, personName } from "./duty";
import { time, type Kind, type Matter } from "./matters";
import { coded } from "./session";
import { w } from "./words";

/** `event` and `source` name the event that says it; `message` the warning's message as it came. */
export interface Line { at: string; text: string; who?: string; source?: string; event?: string; message?: string }
type Told = Record<string, any>; // eslint-disable-line @typescript-eslint/no-explicit-any

const TELLS: Partial<Record<Kind, (m: Matter) => (Line | null | undefined)[]>> = {
  alert: (m) => [
    ...(m.messages ?? []).map((one: Told) => ({
      at: one.sent, text: `${w("message")}：${coded("message_type", one.msg_type)} ${m.headline}`, source: one.source, event: one.event, message: one.id,
    })),
    m.claimed && { at: m.claimed.at, text: `${w("claim")}：${m.headline}`, who: m.claimed.by },
    m.ended && { at: m.ended, text: `${w("ended")}：${m.headline}` },
  ],
  callout: (m) => [
    { at: m.opened, text: `${w("called")}：${place(m)}` },
    ...(m.answers ?? []).map((one: Told) => ({
      at: one.at, text: `${place(m)} ${coded("callout_answer", one.answer)}`, who: one.recorded_by ?? personName(one.person ?? ""), source: w(one.via ?? ""),
    })),
    m.state === "exhausted" && m.closed && { at: m.closed, text: `${place(m)} ${w("exhausted")}` },
  ],
  loop: (m) => (m.steps ?? []).map((one: Told) => ({
    at: one.time, text: `${m.zh} ${m.case_id} ${one.zh}`, source: one.source, event: one.event,
  })),
  notice: (m) => [m.signed && { at: m.signed, text: `${m.document_no ?? ""} ${m.headline}`, who: m.approver }],
  response: (m) => (m.steps ?? []).map((one: Told) => ({ at: one.signed, text: `${m.matter} ${one.zh}`, who: one.approver })),
};

/** The newest first. */
export const timelineOf = (kind: Kind, m: Matter): Line[] =>
  (TELLS[kind]?.(m) ?? [])
    .filter((one): one is Line => !!one && !!one.at)
    .sort((a, b) => time(b.at) - time(a.at));
