// Who is looking: a person of the data that somebody browses as, or a guest whose ratings stay in this browser.

const PERSON = "sparrow.person";
const GUEST = "sparrow.guest";
const MOST = 1000; // films that a guest's question may hold

function load(key, otherwise) {
  try {
    return JSON.parse(localStorage.getItem(key)) ?? otherwise;
  } catch {
    return otherwise; // storage is closed to us, or somebody else wrote there
  }
}

export const person = () => load(PERSON, null);

export const browseAs = (id) => localStorage.setItem(PERSON, JSON.stringify(id));

// {history: [{movieId, rating}], oldest first; exclude: [movieId], "not for me"}: the body of POST /api/v1/recommendations.
export const guest = () => ({ history: [], exclude: [], ...load(GUEST, {}) });

// What a guest said of a film last: {stars} or {disliked: true}, or {} to take it back.
export function keepForGuest(movieId, { stars, disliked }) {
  const { history, exclude } = guest();
  const others = history.filter((one) => one.movieId !== movieId);
  const out = exclude.filter((one) => one !== movieId);
  if (stars) others.push({ movieId, rating: stars });
  if (disliked) out.push(movieId);
  localStorage.setItem(GUEST, JSON.stringify({ history: others.slice(-MOST), exclude: out.slice(-MOST) }));
}

export function saidByGuest(movieId) {
  const { history, exclude } = guest();
  return { stars: history.find((one) => one.movieId === movieId)?.rating, disliked: exclude.includes(movieId) };
}

export const forgetGuest = () => localStorage.removeItem(GUEST);
