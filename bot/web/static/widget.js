// <script src="https://everbot.example.org/widget.js" data-persona="ever" async></script>
// A button in the corner of the page, which opens the chat in a frame. It reads nothing of the page, and needs no style of it.
"use strict";
(() => {
  const script = document.currentScript;
  const address = new URL(script.src);
  const persona = script.dataset.persona || "";
  address.pathname = address.pathname.replace(/widget\.js$/, "widget");
  address.search = new URLSearchParams({ site: location.origin, ...(persona && { persona }) });
  const label = script.dataset.label || "Chat";
  const button = document.createElement("button");
  const frame = document.createElement("iframe");
  Object.assign(button.style, {
    position: "fixed", right: "1rem", bottom: "1rem", zIndex: "2147483000", minHeight: "3rem", padding: "0 1.2rem", border: "0",
    borderRadius: "999px", background: "#a2441c", color: "#fff", font: "600 1rem system-ui, sans-serif", cursor: "pointer",
  });
  Object.assign(frame.style, {
    position: "fixed", right: "1rem", bottom: "5rem", zIndex: "2147483000", width: "min(24rem, calc(100vw - 2rem))",
    height: "min(36rem, calc(100vh - 6.5rem))", border: "1px solid #8886", borderRadius: "14px", background: "Canvas",
    boxShadow: "0 8px 30px #0004",
  });
  button.type = "button";
  button.textContent = label;
  button.setAttribute("aria-expanded", "false");
  frame.title = label;
  frame.hidden = true;
  frame.style.display = "none";
  const turn = (open) => {
    if (open && !frame.src) frame.src = address.href;
    frame.hidden = !open;
    frame.style.display = open ? "block" : "none";
    button.setAttribute("aria-expanded", String(open));
    if (open) frame.focus(); else button.focus();
  };
  button.addEventListener("click", () => turn(frame.hidden));
  addEventListener("keydown", (event) => { if (event.key === "Escape" && !frame.hidden) turn(false); });
  const put = () => document.body.append(frame, button);
  if (document.body) put(); else addEventListener("DOMContentLoaded", put);
})();
