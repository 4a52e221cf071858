#include "page/figure.hpp"

#include <fmt/format.h>

#include "page/assets.hpp"
#include "page/markup.hpp"
#include "page/svg.hpp"

namespace toptheta::page {

namespace {

std::string format_key(const std::vector<KeyEntry>& key) {
  if (key.empty()) return "";
  std::string html = "<ul class='key'>";
  for (const KeyEntry& entry : key)
    html += fmt::format(
        "<li data-s='{}'><svg viewBox='0 0 14 14' aria-hidden='true'><g class='s s{}'>{}</g></svg>{}</li>",
        entry.style, entry.style % 10,
        entry.is_line ? "<path class='l' d='M0 7H14'/>" : mark_at(7, 7, entry.style, ""),
        escaped(entry.name));
  return html + "</ul>";
}

}  // namespace

std::string format_figure(const Figure& figure) {
  std::string html = fmt::format("<figure><figcaption>{}</figcaption>", escaped(figure.title));
  if (!figure.note.empty()) html += fmt::format("<p class='note'>{}</p>", escaped(figure.note));
  html += format_key(figure.key) + "<div class='charts'>";
  for (const Chart& chart : figure.charts)
    html += figure.charts.size() > 1
                ? fmt::format("<div><p class='sub'>{}</p>{}</div>", escaped(chart.title), chart.svg)
                : "<div>" + chart.svg + "</div>";
  return html + "</div>" + (figure.data.rows.empty() ? "" : format_details(figure.data)) + "</figure>";
}

std::string format_long_table(const DataTable& table, const std::string& summary) {
  constexpr std::size_t kFits = 8;
  const std::string html = format_table(table, Filter::none);
  return table.rows.size() <= kFits ? html
                                    : fmt::format("<details><summary>{}: {} rows</summary>{}</details>",
                                                  escaped(summary), table.rows.size(), html);
}

std::string format_document(const std::string& title, const std::string& contents) {
  return fmt::format(
      "<!doctype html><html lang='en'><head><meta charset='utf-8'><meta name='viewport' "
      "content='width=device-width,initial-scale=1'><link rel='icon' href='data:,'><title>{}</title>"
      "<style>{}</style></head><body><main><p class='top'><b>Top-Theta</b> <button type='button' id='theme'>"
      "light or dark</button></p>{}<div id='tip' role='status'></div></main>"
      "<script>/*\n{}*/\n{}{}{}</script></body></html>\n",
      escaped(title), kPageStyle, contents, kD3Licence, kD3, kPageScript, kChartScript);
}

}  // namespace toptheta::page
