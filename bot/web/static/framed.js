// In the widget's frame: signing in as oneself, by a window of ours that this frame opens, and out again.
// What the window hands over is worth nothing without the verifier, which never leaves this page.
"use strict";
const entry = document.getElementById("sign-in");
const signing = document.getElementById("signing");
const text_of = (bytes) => btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
let own; // { verifier, challenge, window }

async function prepare() { // beforehand: a window may be opened only at once when somebody clicks
  const verifier = text_of(crypto.getRandomValues(new Uint8Array(32)));
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  own = { verifier, challenge: text_of(new Uint8Array(digest)) };
  entry.hidden = false;
}

function open_window() {
  if (own.window && !own.window.closed) return own.window.focus();
  const address = `${entry.dataset.window}?${new URLSearchParams({ site: entry.dataset.site, challenge: own.challenge })}`;
  own.window = open(address, "", "popup,width=480,height=640");
  signing.textContent = own.window ? "" : signing.dataset.blocked;
}

async function take(event) {
  const given = event.data;
  if (event.origin !== location.origin || !own?.window || event.source !== own.window) return;
  if (given?.challenge !== own.challenge || typeof given.code !== "string") return;
  const { verifier } = own;
  own.window.close();
  try {
    const body = new URLSearchParams({ code: given.code, verifier, form_key: entry.dataset.key });
    const address = `${entry.dataset.token}?${new URLSearchParams({ site: entry.dataset.site })}`;
    const answer = await fetch(address, { method: "POST", body, redirect: "error" });
    if (!answer.ok) throw new Error(answer.status);
    forget_texts();
    location.replace(`${entry.dataset.frame}&tried=1`);
  } catch {
    signing.textContent = signing.dataset.refused;
    prepare();
  }
}

function forget_texts() { // what was not sent yet is of whoever wrote it
  try { sessionStorage.clear(); } catch { /* some browsers have none for frames */ }
}

if (entry && crypto.subtle) { // there is none where the site is not https
  prepare();
  entry.addEventListener("click", open_window);
  addEventListener("message", take);
}
document.getElementById("leave")?.addEventListener("submit", forget_texts);
