// A run's page: copies commands, and follows a run that goes on. The page is complete without it.
"use strict";
(() => {
  // A button that copies what stands in a box.
  for (const box of document.querySelectorAll("pre.copy")) {
    if (!navigator.clipboard) break;
    const button = document.createElement("button");
    const said = document.createElement("span");
    button.type = "button";
    button.className = "copier";
    button.textContent = "Copy";
    said.className = "soft";
    said.setAttribute("role", "status");
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(box.textContent.trim());
        said.textContent = " Copied.";
      } catch {
        said.textContent = " The browser does not allow it; the text selects with one click.";
      }
      setTimeout(() => { said.textContent = ""; }, 4000);
    });
    box.after(button, said);
  }

  const live = document.getElementById("live");
  if (!live || !window.EventSource) return;
  const [now, phases, note, nothing, logs] = ["now", "phases", "note", "nothing", "logs"].map((name) => document.getElementById(`live-${name}`));
  const headline = document.querySelector(".verdict-box .sentence");
  const SVG = "http://www.w3.org/2000/svg";
  const MOST_LINES = 3000;
  let source = null;
  let place = live.dataset.from;

  const make = (tag, name, text) => {
    const element = document.createElement(tag);
    if (name) element.className = name;
    if (text) element.textContent = text;
    return element;
  };

  const glyph = (mark) => {
    const svg = document.createElementNS(SVG, "svg");
    const use = document.createElementNS(SVG, "use");
    svg.setAttribute("class", `g ${mark}`);
    svg.setAttribute("aria-hidden", "true");
    use.setAttribute("href", `#g-${mark}`);
    svg.append(use);
    return svg;
  };

  const line = (from, name) => {
    const element = make("span", name);
    for (const span of from.spans) element.append(span.class ? make("span", span.class, span.text) : span.text);
    if (from.cut) element.append(make("span", "ctl", "…"));
    element.append("\n");
    return element;
  };

  // The box of a phase's log; a new one opens, and none that somebody has opened or closed is touched.
  const box = (phase) => {
    const last = logs.lastElementChild;
    if (last && last.dataset.phase === phase) return last.querySelector("pre");
    const details = make("details");
    const pre = make("pre", "log growing");
    details.dataset.phase = phase;
    details.open = true;
    pre.tabIndex = 0;
    details.append(make("summary", "", phase), pre);
    logs.append(details);
    return pre;
  };

  const isAtEnd = (pre) => pre.scrollHeight - pre.scrollTop - pre.clientHeight < 24;

  const isRead = () => {
    const selection = document.getSelection();
    const boxes = [...logs.querySelectorAll("details[open] pre")];
    return Boolean(selection && !selection.isCollapsed) || !boxes.every(isAtEnd);
  };

  const print = ({ phase, gap, lines, open }) => {
    nothing.hidden = true;
    const pre = box(phase);
    const follows = isAtEnd(pre);
    for (const old of pre.querySelectorAll(".open")) old.remove();
    if (gap) pre.append(make("span", "l gap", `${gap}\n`));
    pre.append(...lines.map((one) => line(one, "l")));
    if (open) pre.append(line(open, "l open"));
    // Nothing moves under the eyes of somebody who reads further up.
    if (!follows) return;
    while (pre.childElementCount > MOST_LINES) pre.firstElementChild.remove();
    pre.scrollTop = pre.scrollHeight;
  };

  const say = (text, words) => {
    note.textContent = text;
    if (!words) return;
    const link = make("a", "", words);
    link.href = location.pathname;
    note.append(" ", link);
  };

  const stop = () => {
    if (source) source.close();
    source = null;
  };

  const finish = () => {
    stop();
    if (document.hidden || !isRead()) {
      location.reload();
      return;
    }
    now.textContent = "The run is over.";
    say("The run is over.", "Show the verdict");
  };

  const start = () => {
    if (source || document.hidden) return;
    source = new EventSource(place ? `${live.dataset.events}?from=${encodeURIComponent(place)}` : live.dataset.events);
    source.addEventListener("open", () => say("This page follows the run."));
    source.addEventListener("error", () => {
      if (source && source.readyState === EventSource.CLOSED) {
        stop();
        say("This page no longer follows the run.", "Look again");
      } else {
        say("The connection is gone; it is being made again.");
      }
    });
    source.addEventListener("phases", (event) => {
      const told = JSON.parse(event.data);
      if (now.textContent !== told.now) now.textContent = told.now;
      headline.hidden = true; // It says for how long, which is not followed; where it is stands below.
      phases.replaceChildren(...told.phases.map(({ phase, mark, words }) => {
        const item = make("li");
        item.append(glyph(mark), ` ${phase} `, make("span", "soft", words.replace(/^running, .*/, "running")));
        return item;
      }));
    });
    source.addEventListener("log", (event) => {
      print(JSON.parse(event.data));
      if (event.lastEventId) place = event.lastEventId;
    });
    source.addEventListener("anew", () => logs.replaceChildren());
    source.addEventListener("end", finish);
  };

  live.classList.add("followed");
  for (const pre of logs.querySelectorAll("pre")) pre.scrollTop = pre.scrollHeight;
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      stop();
      say("Nothing is followed while this page is hidden.");
    } else {
      start();
    }
  });
  start();
})();
