#include "tt_calibrate/table_input.hpp"

#include "theta/authors_text.hpp"
#include "theta/json.hpp"
#include "theta/table_file.hpp"

namespace toptheta::app {

ThresholdTable read_any_table(const std::filesystem::path& path, Placement authors_placement) {
  if (path.extension() == ".json") return read_json(path);
  if (path.extension() == ".txt") return read_authors_thresholds(path, authors_placement);
  return load_table(path);
}

}  // namespace toptheta::app
