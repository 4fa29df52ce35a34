"use strict";
(() => {
  const root = document.documentElement;
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const one = (selector, within = document) => within.querySelector(selector);

  // --- light or dark: as the system has it until somebody chooses ---
  const button = one("#theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const kept = { get: () => { try { return localStorage.getItem("theme"); } catch { return null; } },
                 set: (theme) => { try { localStorage.setItem("theme", theme); } catch { /* not everywhere */ } } };
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const label = () => { button.textContent = isDark() ? "Light" : "Dark"; button.setAttribute("aria-label", `Switch to the ${isDark() ? "light" : "dark"} theme`); };
  if (["light", "dark"].includes(kept.get())) root.dataset.theme = kept.get();
  button.hidden = false;
  button.addEventListener("click", () => { root.dataset.theme = isDark() ? "light" : "dark"; kept.set(root.dataset.theme); label(); });
  system.addEventListener("change", label);
  label();

  // --- commands to copy ---
  for (const copy of all(".copy")) {
    copy.hidden = !navigator.clipboard;
    copy.addEventListener("click", async () => {
      const code = one("code", copy.parentElement);
      try {
        await navigator.clipboard.writeText(code.textContent);
        copy.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(code);
        copy.textContent = "Selected";
      }
      setTimeout(() => { copy.textContent = "Copy"; }, 1600);
    });
  }
  addEventListener("beforeprint", () => { for (const finding of all("details")) finding.open = true; });

  // --- one minute in all charts: by pointer, touch, or the slider ---
  const slider = one("#minute");
  if (!slider) return;
  const data = JSON.parse(one("#data").textContent);
  const columns = data.times.length;
  const panels = all(".panel").filter((panel) => panel.id !== "heat");
  const strip = one("#heat .strip");
  one(".scrub").hidden = false;

  const show = (column, node = -1) => {
    const place = `${((column + 0.5) / columns) * 100}%`;
    for (const cross of all(".cross")) { cross.hidden = false; cross.style.left = place; }
    panels.forEach((panel, index) => { one(".reading", panel).textContent = `${data.times[column]}: ${data.readings[index][column]}`; });
    if (strip) showNode(column, node);
    slider.value = column;
    slider.setAttribute("aria-valuetext", data.times[column]);
    one("#minute-text").textContent = data.times[column];
  };
  const showNode = (column, node) => {
    const reading = one("#heat .reading");
    reading.textContent = node < 0 ? reading.dataset.summary : `${data.times[column]}: ${data.heat.readings[node][column]} on ${data.heat.nodes[node]}`;
  };
  const rest = () => {
    for (const cross of all(".cross")) cross.hidden = true;
    for (const reading of all(".reading")) reading.textContent = reading.dataset.summary;
    one("#minute-text").textContent = "";
  };
  const index = (part, count) => Math.min(count - 1, Math.max(0, Math.floor(part * count)));

  for (const plot of all(".plot, .strip")) {
    plot.addEventListener("pointermove", (event) => {
      const box = plot.getBoundingClientRect();
      const node = plot === strip ? index((event.clientY - box.top) / box.height, data.heat.nodes.length) : -1;
      show(index((event.clientX - box.left) / box.width, columns), node);
    });
    plot.addEventListener("pointerleave", rest);
  }
  slider.addEventListener("input", () => show(Number(slider.value)));
  slider.addEventListener("focus", () => show(Number(slider.value)));
  slider.addEventListener("blur", rest);
})();
