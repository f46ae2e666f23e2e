// In the window that the widget's frame opened: it notices when somebody has signed in, and hands over that they agreed.
// To a window of our own origin alone: no site ever gets it.
"use strict";
const agreed = document.getElementById("agreed");
const form = document.getElementById("agree");
if (!window.opener) {
  document.getElementById("alone").hidden = false;
  form?.remove();
} else if (agreed) {
  window.opener.postMessage({ code: agreed.dataset.code, challenge: agreed.dataset.challenge }, location.origin);
} else if (!form) {
  const look = async () => {
    try {
      const answer = await fetch(location.href);
      const now = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (now.getElementById("agree")) return location.replace(`${location.href}&begun=1`);
    } catch { /* nobody answers just now */ }
    setTimeout(look, 1000);
  };
  setTimeout(look, 1000);
}
