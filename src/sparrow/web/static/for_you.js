// The rows "for you" and "because you liked" of the home page: for a guest by what this browser keeps, for somebody who browses
// as a person by theirs. The server draws the cards, so they look and speak like all others.

import { reach } from "./reach.js";
import { skeleton } from "./skeleton.js";
import { forgetGuest, guest, person } from "./visitor.js";

const LIKED = 4; // stars of a film that the second row may start from
const PLACES = 8; // skeletons while the first list is on its way
const PATIENCE = 60000; // milliseconds between two tries at most

const row = document.querySelector("[data-for-you]");
const because = document.querySelector("[data-because]");
const clear = row.querySelector("[data-clear]");
const lead = row.querySelector(".lead");
const MOST = row.dataset.forYou;

let wait = 2000;
let again;

async function ask() {
  if (person()) return reach(`/user.html?${new URLSearchParams({ userId: person(), size: MOST })}`);
  const body = JSON.stringify({ ...guest(), size: Number(MOST) });
  const headers = { "Content-Type": "application/json", Accept: "text/html" };
  return reach("/api/v1/recommendations", { method: "POST", body, headers });
}

async function pageOf(answer) {
  if (!answer.ok) throw new Error(`the list answered ${answer.status}`);
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

function place(page, where, heading) {
  const list = document.adoptNode(page.querySelector("[data-recommendation]"));
  list.className = "strip";
  list.tabIndex = 0;
  list.setAttribute("aria-labelledby", heading);
  where.querySelector(".strip")?.remove();
  where.append(list);
  where.hidden = !list.children.length;
}

function holdPlace() {
  const list = document.createElement("ul");
  list.className = "strip";
  list.append(skeleton(PLACES));
  return list;
}

async function fill() {
  const { history, exclude } = guest();
  const knows = Boolean(person()) || history.length > 0;
  clear.hidden = Boolean(person()) || history.length + exclude.length === 0;
  row.hidden = false;
  if (!knows) {
    row.querySelector(".strip")?.remove();
    return void (lead.textContent = row.dataset.none);
  }
  row.setAttribute("aria-busy", "true");
  if (!row.querySelector(".strip")) row.append(holdPlace());
  place(await pageOf(await ask()), row, "for-you");
  row.hidden = false;
  const count = history.length;
  const words = count === 1 ? row.dataset.one : row.dataset.other;
  lead.textContent = person() ? row.dataset.person.replace("{user}", () => person()) : words.replace("{number}", () => count);
}

// The film that was liked last, undefined if none was.
async function lastLiked() {
  if (!person()) return guest().history.findLast((one) => one.rating >= LIKED)?.movieId;
  const answer = await reach(`/api/v1/users/${encodeURIComponent(person())}`);
  if (!answer.ok) return undefined; // somebody new, or the store is away
  return (await answer.json()).ratings.find((one) => one.score >= LIKED)?.movieId;
}

async function fillBecause() {
  because.hidden = true;
  const movieId = await lastLiked();
  if (movieId === undefined) return;
  const page = await pageOf(await reach(`/movie.html?${new URLSearchParams({ movieId, size: MOST })}`));
  because.querySelector("h2").textContent = because.dataset.because.replace("{title}", () => page.querySelector("h1").textContent);
  place(page, because, "because");
}

// What fails is tried again, each time after twice as long.
function refresh() {
  clearTimeout(again);
  fill()
    .then(fillBecause)
    .then(() => (wait = 2000))
    .catch(() => {
      row.querySelector(".strip:has(.card-empty)")?.remove();
      lead.textContent = row.dataset.failed;
      again = setTimeout(refresh, wait);
      wait = Math.min(2 * wait, PATIENCE);
    })
    .finally(() => row.removeAttribute("aria-busy"));
}

clear.addEventListener("click", () => {
  forgetGuest();
  refresh();
  row.querySelector("h2").focus();
});
document.addEventListener("visitor", refresh);
addEventListener("pageshow", refresh);
