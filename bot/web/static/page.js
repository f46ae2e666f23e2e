// Everything works without this: it only brings what was just answered, and the room one is in, into view.
"use strict";
const notice = document.querySelector(".notice");
if (notice) {
  notice.tabIndex = -1;
  notice.focus();
  history.replaceState(null, "", location.href.replace(/([?&])notice=[^&#]*&?/, "$1").replace(/[?&]$/, ""));
}
document.querySelector(".rooms [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
for (const details of document.querySelectorAll("details.edit")) {
  details.addEventListener("toggle", () => details.open && details.querySelector("textarea")?.focus());
}
// What is under way is shown as it goes on.
const live = document.querySelector("[data-live]");
async function look() {
  try {
    const answer = await fetch(location.pathname);
    if (!answer.ok) return;
    const now = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(live.id);
    live.replaceChildren(...now.childNodes);
    if (now.hasAttribute("data-live")) setTimeout(look, 3000);
  } catch { /* the page is left, or nobody answers: the link is there still */ }
}
if (live) setTimeout(look, 3000);
