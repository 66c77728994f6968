/** Editions of reports as the hub tells them, and what the page says of them. */
import { local } from "./days";
import { w } from "./words";

export interface Row {
  id: string; template: string; region: string; from: string; to: string; revision: number; version: string; state: string;
  cutoff: string; author: string; requested: string; frozen: string | null; number: string; issued: string | null; superseded_by: string;
}
export interface Line {
  number: number; slot: string; key: string; name: string; part: string; first: string; last: string; region: string; printed: string;
  value: number | null; unit: string; events: number; coverage: string; as_of: string; definition: string; aspect: string; remark: string;
}
export interface Figure { slot: string; key: string; zh: string; part: string; value: number | string | null; unit: string; events: number; coverage: string; from: string; to: string; region: string; recorded?: unknown[] }
export interface Chapter { level: number; title: string; slots: { slot: string; lines: number[] }[]; paragraphs: string[] }
export interface Problem { check: string; slots: string[]; expected: string; found: string; about: string; events: { slot: string; events: number; href: string }[] }
export interface Written { text: string; by: string; at: string }
export interface Step { step: string; zh: string; roles: string[]; by: string | null; at: string | null }
export interface Next { step: string; zh: string; allowed: boolean; hindrance: string }
export interface Version { id: string; version: string; state: string; number: string; cutoff: string; issued: string | null }
export interface Edition extends Row {
  title: string; mark: string; attempt: number; digest: string; progress: { share: number; waits_for: string };
  problems: Problem[]; steps: Step[]; history: { step: string; by: string; at: string; reason?: string }[]; next: Next[];
  may_write: boolean; may_cut: boolean; paragraphs: Record<string, Written>; paragraph_slots: string[];
  notes_needed: { note: string; slots: string[] }[]; empty: string[]; remarks: string[]; outline: Chapter[]; lines: Line[]; figures: Figure[];
  changes: { slot: string; before: string; now: string }[]; revises: string; versions: Version[];
}

export const FORMATS = ["pdf", "docx", "html", "json", "xlsx"] as const;
export const RETURN = "return";
/** Who asks for editions and writes their paragraphs. */
export const WRITERS = ["clerk", "administrator"];
/** State → the step that comes next, and whose it is. */
const NEXT: Record<string, [string, string]> = {
  refused: ["cut", "clerk"], frozen: ["draft", "clerk"], drafted: ["review", "reviewer"], reviewed: ["legal", "legal"], cleared: ["sign", "signer"], signed: ["issue", "clerk"],
};
export const nextOf = (state: string): string => (NEXT[state] ? `${w(`step_${NEXT[state][0]}`)} · ${w(`role_${NEXT[state][1]}`)}` : "—");
export const isMine = (state: string, role: string): boolean => NEXT[state]?.[1] === role;
/** A reason of the hub, with the roles in words. */
export const inWords = (reason: string): string => reason.replace(/\b(clerk|reviewer|legal|signer|administrator)\b/g, (role) => w(`role_${role}`));
export const templateName = (name: string): string => (w(`template_${name}`) === `template_${name}` ? name : w(`template_${name}`));

/** `2026-07-16 03:10`: what is filed needs its year. */
export const stamp = (at: string | null | undefined): string => (at ? local(at).slice(0, 16) : "—");

/** The days of a report: a year, a month, a day, or from – to. */
export function spanOf(from: string, to: string): string {
  if (from === to) return from;
  if (from.slice(0, 4) === to.slice(0, 4) && from.endsWith("-01-01") && to.endsWith("-12-31")) return from.slice(0, 4);
  const last = new Date(Date.UTC(Number(to.slice(0, 4)), Number(to.slice(5, 7)), 0)).getUTCDate();
  return from.slice(0, 7) === to.slice(0, 7) && from.endsWith("-01") && Number(to.slice(8)) === last ? from.slice(0, 7) : `${from} – ${to}`;
}

interface Days { from: string; to: string }
/** What a figure is called: its name, which part of it, and over which days where these are not those of the report. */
export function named(one: { name?: string; zh?: string; part: string; aspect?: string; first?: string; last?: string }, over?: Days): string {
  const own = over && one.first && one.last && (one.first !== over.from || one.last !== over.to);
  return [one.name ?? one.zh, one.aspect ? w("against_last_year") : "", one.part, own ? spanOf(one.first!, one.last!) : ""].filter(Boolean).join(" · ");
}

const NOTHING = "本期无此项记录";
const amount = (value: unknown): number => (value === NOTHING ? 0 : Number(String(value).replace("≤", "").replace(NOTHING, "0")));
/** By how much two values differ; null: not numbers. */
export function gap(expected: unknown, found: unknown): string | null {
  const [a, b] = [amount(expected), amount(found)];
  if (expected === "" || found === "" || expected == null || found == null || Number.isNaN(a) || Number.isNaN(b)) return null;
  const by = Math.round((b - a) * 1e6) / 1e6;
  return `${by > 0 ? "+" : ""}${by}`;
}
