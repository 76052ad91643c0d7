// The row "for you" of the home page: for a guest by what this browser keeps, for somebody who browses as a person by theirs.
// The server draws the cards, so they look and speak like all others.

import { forgetGuest, guest, person } from "./visitor.js";

const row = document.querySelector("[data-for-you]");
const clear = row.querySelector("[data-clear]");
const lead = row.querySelector(".lead");
const MOST = row.dataset.forYou;

async function ask() {
  if (person()) return fetch(`/user.html?${new URLSearchParams({ userId: person(), size: MOST })}`);
  const body = JSON.stringify({ ...guest(), size: Number(MOST) });
  const headers = { "Content-Type": "application/json", Accept: "text/html" };
  return fetch("/api/v1/recommendations", { method: "POST", body, headers });
}

async function fill() {
  const { history, exclude } = guest();
  const knows = Boolean(person()) || history.length > 0;
  clear.hidden = Boolean(person()) || history.length + exclude.length === 0;
  row.querySelector(".strip")?.remove();
  row.hidden = false;
  if (!knows) return void (lead.textContent = row.dataset.none);
  row.setAttribute("aria-busy", "true");
  const answer = await ask();
  if (!answer.ok) throw new Error(`the list answered ${answer.status}`);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const list = document.adoptNode(page.querySelector("[data-recommendation]"));
  list.className = "strip";
  list.tabIndex = 0;
  list.setAttribute("aria-labelledby", "for-you");
  const count = history.length;
  const words = count === 1 ? row.dataset.one : row.dataset.other;
  lead.textContent = person() ? row.dataset.person.replace("{user}", () => person()) : words.replace("{number}", () => count);
  row.append(list);
}

function refresh() {
  fill()
    .catch(() => (lead.textContent = row.dataset.failed))
    .finally(() => row.removeAttribute("aria-busy"));
}

clear.addEventListener("click", () => {
  forgetGuest();
  refresh();
  row.querySelector("h2").focus();
});
document.addEventListener("visitor", refresh);
addEventListener("pageshow", refresh);
