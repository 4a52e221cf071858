#include "theta/formats/csv.hpp"

#include <fmt/format.h>

#include "io/atomic_file.hpp"
#include "theta/formats/number_text.hpp"
#include "theta/target_choice.hpp"

namespace toptheta {

void write_csv(const ThresholdTable& table, std::int64_t k, const std::filesystem::path& path) {
  const std::vector<const Target*> targets = choose_targets(table, k);
  AtomicFile file(path);
  file.write("layer,head,length,k,theta,std,count,sdc,kept_mass\n");
  const auto heads = static_cast<std::size_t>(table.meta.shape.num_heads);
  for (const Target* target : targets) {
    for (std::size_t cell = 0; cell < target->cells.size(); ++cell) {
      const std::int64_t shown = target->head_k.empty() ? target->k : target->k_of(cell);
      std::string lines;
      for (const ThresholdEntry& entry : target->cells[cell])
        fmt::format_to(std::back_inserter(lines), "{},{},{},{},{},{},{},{},{}\n", cell / heads, cell % heads,
                       entry.length, format_k(shown), entry.theta, entry.std, entry.count,
                       shortest_or(entry.sdc, ""), shortest_or(entry.kept_mass, ""));
      file.write(lines);
    }
  }
  file.commit();
}

}  // namespace toptheta
