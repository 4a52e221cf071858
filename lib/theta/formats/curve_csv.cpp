#include "theta/formats/curve_csv.hpp"

#include <fmt/format.h>

#include "io/atomic_file.hpp"

namespace toptheta {

void write_curve_csv(const ThresholdTable& table, const std::filesystem::path& path) {
  AtomicFile file(path);
  file.write("layer,head,shortest,longest,rows,lower,upper,count,mass\n");
  const auto heads = static_cast<std::size_t>(table.meta.shape.num_heads);
  for (std::size_t cell = 0; cell < table.curves.cells.size(); ++cell)
    for (const ScoreCurve& curve : table.curves.cells[cell]) {
      std::string lines;
      for (const CurveBin& bin : curve.bins)
        fmt::format_to(std::back_inserter(lines), "{},{},{},{},{},{},{},{},{}\n", cell / heads, cell % heads,
                       curve.shortest, curve.longest, curve.rows, lower_edge(bin.bin, table.meta.placement),
                       lower_edge(bin.bin + 1, table.meta.placement), bin.count,
                       static_cast<double>(bin.mass) * kMassUnit);
      file.write(lines);
    }
  file.commit();
}

}  // namespace toptheta
