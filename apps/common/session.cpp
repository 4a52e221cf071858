#include "common/session.hpp"

#include "core/sha256.hpp"

namespace toptheta::app {

std::function<void(std::string_view, std::int64_t, std::int64_t, std::string_view)> Session::stage_progress()
    const {
  return
      [&out = console](std::string_view stage, std::int64_t done, std::int64_t total, std::string_view unit) {
        out.progress(std::string(stage), done, total, std::string(unit));
      };
}

Provenance Session::provenance_of(const std::vector<std::filesystem::path>& inputs) const {
  Provenance with_inputs = provenance;
  for (const std::filesystem::path& path : inputs)
    with_inputs.inputs.push_back({path.string(), sha256_of_path(path)});
  return with_inputs;
}

}  // namespace toptheta::app
