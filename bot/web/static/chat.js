// The chat without it is a form and a page. With it: what is said comes by itself, and what is sent is sent once, however
// often the page is loaded or the line breaks. All HTML is the server's own, made by the templates of the page.
"use strict";
const talk = document.getElementById("talk");
const compose = document.getElementById("compose");
const thinking = document.getElementById("thinking");
const trouble = document.getElementById("trouble");
const field = compose.elements.text;
const shelf = `everbot ${compose.action}`; // of what is not sent yet, in this tab
const storage = (() => { try { return sessionStorage; } catch { return null; } })(); // some browsers have none for frames
const waits = JSON.parse(storage?.getItem(shelf) || "[]").map((one) => ({ ...one, files: [] }));
let source, last, over = false, sending = false, pause = 1000;

const last_shown = () => [...talk.querySelectorAll(".said[id]")].at(-1)?.id || "";
const fresh = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
const at_end = () => innerHeight + scrollY > document.documentElement.scrollHeight - 160;
const to_end = () => scrollTo(0, document.documentElement.scrollHeight);
const keep = () => storage?.setItem(shelf, JSON.stringify(waits.filter((one) => !one.files.length).map(({ id, text }) => ({ id, text }))));

function put(html, follow) {
  const near = at_end();
  const made = document.createElement("template");
  made.innerHTML = html;
  const entry = made.content.querySelector("li");
  if (entry.id && document.getElementById(entry.id)) return;
  talk.insertBefore(entry, talk.querySelector(".waits"));
  if (near || follow) to_end();
}

function listen() {
  source = new EventSource(`${talk.dataset.events}?after=${encodeURIComponent(last)}`);
  source.addEventListener("open", () => { pause = 1000; say_trouble(""); flush(); });
  source.addEventListener("said", (event) => { last = event.lastEventId; put(event.data); });
  source.addEventListener("thinking", (event) => { thinking.textContent = event.data ? thinking.dataset.text : ""; });
  source.addEventListener("all", (event) => {
    const names = new Set(JSON.parse(event.data));
    let within = names.size === 0;
    for (const entry of talk.querySelectorAll(".said[id]")) {
      within ||= names.has(entry.id);
      if (within && !names.has(entry.id)) entry.remove();
    }
  });
  source.addEventListener("over", () => { over = true; source.close(); say_trouble(trouble.dataset.over); });
  source.addEventListener("error", () => {
    thinking.textContent = "";
    say_trouble(trouble.dataset.away);
    if (source.readyState === EventSource.CLOSED && !over) {
      setTimeout(listen, pause);
      pause = Math.min(60000, pause * 2);
    }
  });
}

function say_trouble(text) {
  if (!over || text === trouble.dataset.over) trouble.textContent = text;
}

function show_waiting(one) {
  const entry = document.createElement("li");
  entry.className = "said own waits";
  const text = document.createElement("p");
  text.className = "text";
  text.textContent = [one.text, ...one.files.map((file) => file.name)].filter(Boolean).join("\n");
  entry.append(text);
  talk.append(entry);
  one.entry = entry;
}

async function flush() {
  if (sending || over) return;
  sending = true;
  try {
    while (waits.length) {
      const one = waits[0];
      const body = new FormData();
      for (const [name, value] of [["id", one.id], ["live", "1"], ["text", one.text]]) body.append(name, value);
      for (const file of one.files) body.append("file", file, file.name);
      const answer = await fetch(compose.action, { method: "POST", body, redirect: "error" });
      if (answer.status >= 500) throw new Error(answer.status);
      one.entry.remove();
      waits.shift();
      keep();
      if (answer.status >= 400) {
        say_trouble(`${trouble.dataset.refused} ${one.text.slice(0, 80)}`);
        field.value ||= one.text;
      } else if (answer.status === 200) put(await answer.text(), true);
    }
  } catch {
    say_trouble(trouble.dataset.away);
    setTimeout(flush, 5000);
  } finally {
    sending = false;
  }
}

compose.addEventListener("submit", (event) => {
  event.preventDefault();
  const files = [...(compose.elements.file?.files || [])];
  if (!field.value.trim() && !files.length) return;
  const one = { id: fresh(), text: field.value, files };
  waits.push(one);
  keep();
  compose.reset();
  show_waiting(one);
  to_end();
  flush();
});

field.addEventListener("keydown", (event) => {
  const phone = matchMedia("(pointer: coarse)").matches;
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing && !phone) {
    event.preventDefault();
    compose.requestSubmit();
  }
});

// A picture that is pasted, or dropped into the field, goes along.
for (const [kind, given] of [["paste", "clipboardData"], ["drop", "dataTransfer"]]) {
  field.addEventListener(kind, (event) => {
    if (!event[given]?.files.length) return;
    event.preventDefault();
    compose.elements.file.files = event[given].files;
  });
}

// Buttons and forms in the talk: what they answer is shown in it.
talk.addEventListener("submit", async (event) => {
  if (!event.target.matches(".deed")) return;
  event.preventDefault();
  const body = new URLSearchParams(new FormData(event.target));
  body.append("live", "1");
  try {
    const answer = await fetch(event.target.action, { method: "POST", body, redirect: "error" });
    if (!answer.ok) throw new Error(answer.status);
    if (answer.status === 200) put(await answer.text(), true);
  } catch {
    say_trouble(trouble.dataset.away);
  }
});

last = last_shown();
waits.forEach(show_waiting);
to_end();
listen();
