// Tells the server what the person sees and opens: impressions and clicks, batched, with the list's id and the place in it.
// A guest has no id, so of guests nothing is told. On every page it also shows whom somebody browses as.

import { browseAs, person } from "./visitor.js";

const WAIT = 2000; // milliseconds that events gather
const MOST = 50; // events in one message
const SEEN = 1000; // milliseconds that half of a card must be in sight
const FROM = "sparrow.from"; // the list that led to this film: its ratings belong to it

const waiting = [];
let timer;

// crypto.randomUUID is missing on plain http; random values are not.
function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
}

function send(events) {
  const body = new Blob([JSON.stringify(events)], { type: "application/json" });
  if (navigator.sendBeacon("/api/v1/events", body)) return;
  fetch("/api/v1/events", { method: "POST", body, keepalive: true }).catch(() => {});
}

function flush() {
  clearTimeout(timer);
  timer = undefined;
  while (waiting.length) send(waiting.splice(0, MOST));
}

function note(event) {
  waiting.push({ eventId: uuid(), userId: person(), ...event });
  if (waiting.length >= MOST) flush();
  else timer ??= setTimeout(flush, WAIT);
}

// What is told of a film at once and must arrive: rejects unless the server has it on disk.
export async function tell(type, movieId, more = {}) {
  flush();
  const from = JSON.parse(sessionStorage.getItem(FROM) ?? "{}");
  const { recommendationId, position } = from.movieId === movieId ? from : {};
  const event = { eventId: uuid(), type, userId: person(), movieId, recommendationId, position, ...more };
  const body = JSON.stringify(event);
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch("/api/v1/events", { method: "POST", body, headers, keepalive: true }); // outlives the page
  if (!answer.ok) throw new Error((await answer.json()).detail);
}

// {movieId, recommendationId, position} of a card; null when its list has no id or is somebody else's.
function placeOf(card) {
  const list = card.closest("[data-recommendation]");
  if (!list || !person() || (list.dataset.owner ?? person()) !== person()) return null;
  const position = [...list.children].indexOf(card);
  return { movieId: card.dataset.movie, recommendationId: list.dataset.recommendation, position };
}

const dwelling = new WeakMap();
const told = new WeakSet(); // cards whose impression is

function seen(card, place) {
  if (!place || told.has(card)) return;
  told.add(card);
  sight.unobserve(card);
  clearTimeout(dwelling.get(card));
  note({ type: "impression", ...place });
}

const sight = new IntersectionObserver(
  (entries) => {
    for (const { target: card, isIntersecting } of entries) {
      clearTimeout(dwelling.get(card));
      if (!isIntersecting) continue;
      dwelling.set(card, setTimeout(() => seen(card, placeOf(card)), SEEN));
    }
  },
  { threshold: 0.5 },
);

const watched = new WeakSet();

function watch() {
  for (const card of document.querySelectorAll("[data-recommendation] > .card")) {
    if (watched.has(card)) continue;
    watched.add(card);
    sight.observe(card);
  }
}

document.addEventListener("click", (event) => {
  const card = event.target.closest(".card");
  const place = card && event.target.closest(".card > a") && placeOf(card);
  if (!place) return;
  sessionStorage.setItem(FROM, JSON.stringify(place));
  seen(card, place); // however quick: nobody opens what they have not seen
  note({ type: "click", ...place });
  flush();
});

// Somebody browses as a person of the data: said at the top of every page, chosen on that person's own page.
function showVisitor() {
  const id = person();
  const badge = document.querySelector("[data-visitor]");
  badge.hidden = !id;
  const link = badge.querySelector("a");
  link.textContent = badge.dataset.visitor.replace("{user}", () => id);
  link.href = `/user.html?${new URLSearchParams({ userId: id })}`;
  for (const button of document.querySelectorAll("[data-browse-as]")) {
    button.hidden = button.dataset.browseAs === id;
    if (button.nextElementSibling) button.nextElementSibling.hidden = button.hidden;
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-browse-as], [data-stop]");
  if (!button) return;
  flush();
  browseAs(button.dataset.browseAs ?? null);
  showVisitor();
  document.dispatchEvent(new Event("visitor"));
  document.querySelector("[data-visitor]:not([hidden]) a")?.focus();
});

new MutationObserver(watch).observe(document.querySelector("main"), { childList: true, subtree: true });
document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && flush());
addEventListener("pagehide", flush);
addEventListener("pageshow", showVisitor);
addEventListener("storage", showVisitor); // chosen in another tab
showVisitor();
watch();
