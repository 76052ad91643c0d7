// A film's stars and "not for me". What a person says goes to the server, what a guest says stays in this browser; the last
// word counts, and it can be taken back.

import { tell } from "./feedback.js";
import { guest, keepForGuest, person, saidByGuest } from "./visitor.js";

const WAIT = 500; // milliseconds: arrow keys walk over stars that are not meant

const form = document.querySelector("[data-rate]");
const film = form.dataset.rate;
const told = form.querySelector("[role=status]");
const dislike = form.querySelector("[data-dislike]");
const undo = form.querySelector("[data-undo]");
const hint = form.querySelector("[data-next]");

let now = {};
let before = null;
let timer;
let meant; // the stars that wait
let byKey = false;

function show(words) {
  for (const star of form.querySelectorAll("[name=stars]")) star.checked = Number(star.value) === Math.round(now.stars ?? 0);
  dislike.setAttribute("aria-pressed", String(Boolean(now.disliked)));
  undo.hidden = before === null;
  hint.hidden = Boolean(person()) || !guest().history.length;
  told.textContent = words;
}

function wordsFor({ stars, disliked }) {
  if (disliked) return form.dataset.disliked;
  return stars ? form.dataset.rated.replace("{stars}", () => stars) : "";
}

async function keep(said) {
  if (!person()) return keepForGuest(film, said);
  if (said.stars) return tell("rating", film, { value: said.stars });
  return tell(said.disliked ? "dislike" : "undo", film);
}

async function say(said, words = wordsFor(said)) {
  clearTimeout(timer);
  meant = undefined;
  const last = now;
  try {
    await keep(said);
    [now, before] = [said, words === form.dataset.undone ? null : last];
    show(words);
  } catch {
    show(form.dataset.failed);
  }
}

// What was said of this film before.
async function recall() {
  before = null;
  now = person() ? await saidByPerson() : saidByGuest(film);
  show(wordsFor(now));
}

async function saidByPerson() {
  const answer = await fetch(`/api/v1/users/${encodeURIComponent(person())}`);
  if (!answer.ok) return {};
  const { ratings } = await answer.json();
  return { stars: ratings.find((one) => String(one.movieId) === film)?.score };
}

// Whoever leaves the page while stars wait has said them.
const sayMeant = () => meant && say({ stars: meant });

form.addEventListener("keydown", () => (byKey = true));
form.addEventListener("pointerdown", () => (byKey = false));
form.addEventListener("change", (event) => {
  clearTimeout(timer);
  meant = Number(event.target.value);
  if (byKey) timer = setTimeout(sayMeant, WAIT);
  else sayMeant();
});
form.addEventListener("submit", (event) => event.preventDefault());
dislike.addEventListener("click", () => (now.disliked ? say({}, form.dataset.undone) : say({ disliked: true })));
undo.addEventListener("click", () => say(before, form.dataset.undone).then(() => dislike.focus()));
document.addEventListener("visitor", recall);
addEventListener("pagehide", sayMeant);

form.hidden = false;
recall();
