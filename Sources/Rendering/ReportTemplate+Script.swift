extension ReportTemplate {
    /// The SHA-256 of `script`, as a content security policy names it. A test compares the two.
    static let scriptHash = "sha256-kMcixeBcyZDcoGDOryIxInTV7uWxCxNE52qjlN5CFkE="

    /// What the page does when it is read on a screen: tooltips over tokens, by pointer and by arrow keys, colours by
    /// another measure, and tables sorted by a column. It writes text only, never markup.
    static let script = #"""

        (function () {
          "use strict";
          var page = document.documentElement;
          page.classList.add("js");
          var tip = document.createElement("div");
          tip.className = "tip";
          tip.setAttribute("role", "status");
          tip.hidden = true;
          document.body.appendChild(tip);

          function add(parent, name, text) {
            var element = document.createElement(name);
            element.textContent = text;
            parent.appendChild(element);
            return element;
          }

          function show(token) {
            var heat = token.closest(".heat");
            var names = heat.querySelectorAll(".measures dt");
            var values = (token.dataset.values || "").split("|");
            tip.textContent = "";
            add(tip, "strong", "“" + token.textContent + "”  token " + token.dataset.at);
            if (token.dataset.mark) { add(tip, "em", token.dataset.mark); }
            if (token.dataset.note) { add(tip, "em", token.dataset.note); }
            var list = add(tip, "dl", "");
            for (var index = 0; index < names.length; index += 1) {
              add(list, "dt", names[index].textContent);
              add(list, "dd", values[index] || "–");
            }
            tip.hidden = false;
            var box = token.getBoundingClientRect();
            var left = Math.min(Math.max(8, box.left - 16), page.clientWidth - tip.offsetWidth - 8);
            var top = box.bottom + 10;
            if (top + tip.offsetHeight > page.clientHeight - 8) { top = Math.max(8, box.top - tip.offsetHeight - 10); }
            tip.style.left = Math.max(8, left) + "px";
            tip.style.top = top + "px";
          }

          function hide() {
            tip.hidden = true;
            document.querySelectorAll(".tokens .here").forEach(function (token) { token.classList.remove("here"); });
          }

          document.addEventListener("mouseover", function (event) {
            var token = event.target.closest ? event.target.closest(".tokens span[data-at]") : null;
            if (token) { show(token); } else if (!document.querySelector(".tokens .here")) { hide(); }
          });
          document.addEventListener("scroll", hide, true);
          document.addEventListener("focusout", hide);
          document.addEventListener("keydown", function (event) {
            if (event.key === "Escape") { hide(); return; }
            var step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
            var text = document.activeElement;
            if (!step || !text || !text.classList.contains("tokens")) { return; }
            var tokens = Array.prototype.slice.call(text.querySelectorAll("span[data-at]"));
            if (!tokens.length) { return; }
            var here = tokens.indexOf(text.querySelector(".here"));
            var next = here < 0 ? (step > 0 ? 0 : tokens.length - 1) : here + step;
            if (next < 0 || next >= tokens.length) { return; }
            hide();
            tokens[next].classList.add("here");
            show(tokens[next]);
            event.preventDefault();
          });

          document.querySelectorAll(".heat").forEach(function (heat) {
            heat.querySelectorAll(".controls button").forEach(function (button) {
              button.addEventListener("click", function () {
                var measure = Number(button.dataset.measure);
                heat.querySelectorAll(".controls button").forEach(function (other) {
                  other.setAttribute("aria-pressed", String(other === button));
                });
                heat.querySelectorAll(".legend").forEach(function (legend) {
                  legend.hidden = Number(legend.dataset.measure) !== measure;
                });
                heat.querySelectorAll("span[data-at]").forEach(function (token) {
                  var level = parseInt(token.dataset.levels.charAt(measure), 16);
                  token.className = "q" + (isNaN(level) ? 0 : level) + (token.dataset.mark ? " mark" : "");
                });
              });
            });
          });

          document.querySelectorAll("table.sortable").forEach(function (table) {
            var heads = Array.prototype.slice.call(table.tHead.rows[0].cells);
            heads.forEach(function (head, column) {
              head.addEventListener("click", function () {
                var down = head.getAttribute("aria-sort") !== "descending";
                heads.forEach(function (other) { other.removeAttribute("aria-sort"); });
                head.setAttribute("aria-sort", down ? "descending" : "ascending");
                var body = table.tBodies[0];
                Array.prototype.slice.call(body.rows).sort(function (first, second) {
                  var a = first.cells[column], b = second.cells[column];
                  var x = parseFloat(a.dataset.key), y = parseFloat(b.dataset.key), order;
                  if (isNaN(x) || isNaN(y)) {
                    order = isNaN(x) && isNaN(y) ? a.textContent.localeCompare(b.textContent) : isNaN(x) ? -1 : 1;
                  } else {
                    order = x - y;
                  }
                  return down ? -order : order;
                }).forEach(function (row) { body.appendChild(row); });
              });
            });
          });
        })();

        """#
}
