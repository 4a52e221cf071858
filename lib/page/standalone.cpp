#include <fmt/format.h>

#include <set>

#include "page/charts.hpp"

namespace toptheta::page {

void make_names_unique(std::vector<Chart>& charts) {
  std::set<std::string> used;
  for (Chart& chart : charts) {
    const std::string name = chart.name;
    for (int i = 2; !used.insert(chart.name).second; ++i)
      chart.name = fmt::format("{}-{}", name, i);
  }
}

std::string standalone(const Chart& chart) {
  static constexpr const char* kColours[] = {"0072b2", "d55e00", "009e73", "b8528f", "b37400",
                                             "8c564b", "7a5195", "2f8fc4", "555555", "6b8e23"};
  std::string style =
      "text{font:13px system-ui,sans-serif;fill:#333}.m{text-anchor:middle}.e{text-anchor:end}"
      ".g{stroke:#e5e5e5}.a{stroke:#555}.limit{stroke:#a33;stroke-dasharray:5 4}.limit-name{fill:#a33}"
      ".l,.b,.t{fill:none}.l{stroke-width:2.2}.b{opacity:.55}.t{opacity:.4}.band{opacity:.14;stroke:none}"
      ".bar{fill:#0072b2;stroke:#fff;stroke-width:.5}.hx{fill:none;stroke:#bbb}.peak{stroke:#d55e00;stroke-"
      "width:2}.w "
      "text{font-weight:600;stroke:none}";
  for (int i = 0; i < 10; ++i) {
    style += fmt::format(".s.s{0}{{stroke:#{1};fill:#{1}}}.w.s{0} text{{fill:#{1}}}", i, kColours[i]);
    style += fmt::format(".h{}{{fill:rgb({},{},{})}}", i, 240 - 26 * i, 245 - 19 * i, 250 - 9 * i);
  }
  std::string svg = chart.svg;
  svg.insert(svg.find("<title>"),
             "<style>" + style + "</style><rect width='100%' height='100%' fill='#fff'/>");
  return svg + "\n";
}

}  // namespace toptheta::page
