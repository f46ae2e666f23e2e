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
